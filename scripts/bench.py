"""``python -m scripts.bench NAME``: speed, measured in one run with the obvious alternative where there is one."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from scripts import bench_curves, bench_import, bench_project, bench_rows, bench_views
from scripts.common import main, set_up_log
from scripts.timing import typical


def features() -> None:
    """Our embedding of images against the bare forward pass of the same tower, and without channels_last."""
    import torch

    from core.config.encoders import resolve_encoder
    from core.devices import describe
    from core.encoders import as_pixels, load_encoder

    encoder = load_encoder(resolve_encoder("lite"))
    images = np.random.default_rng(0).integers(0, 256, (32, 224, 224), dtype=np.uint8)
    pixels = encoder.image.prepare(as_pixels(images, encoder.device))
    with torch.inference_mode():
        bare = typical(lambda: encoder.image.features(pixels).float().cpu())
        ours = typical(lambda: encoder.embed_images(images))
        encoder.image.to(memory_format=torch.contiguous_format)
        plain = pixels.contiguous(memory_format=torch.contiguous_format)
        other = typical(lambda: encoder.image.features(plain).float().cpu())
    print(f"lite on {describe(encoder.device)}, batches of {len(images)}:")
    for name, taken in (("bare forward pass", bare), ("embed_images", ours), ("without channels_last", other)):
        print(f"  {name:24}{len(images) / taken:8.1f} images/s   {taken / bare:5.2f} x the bare pass")


def demo() -> None:
    """Drawing the demo study's radiographs on one core."""
    from core.studies.demo import DemoConfig, render, sample_table

    rows = sample_table(DemoConfig(images=64)).to_dict("records")[:32]
    taken = typical(lambda: [render(row, 224) for row in rows])
    print(f"demo radiographs of 224 px on one core: {len(rows) / taken:.1f} a second")


def gpu() -> None:
    """ViT towers in training and embedding; needs a GPU."""
    from scripts.bench_gpu import compare

    compare()


def saving() -> None:
    """How long a checkpoint stops training."""
    from scripts.bench_saving import compare

    compare()


BENCHES = {
    "features": features,
    "demo": demo,
    "curves": bench_curves.compare,
    "gpu": gpu,
    "import": bench_import.compare,
    "project": bench_project.compare,
    "rows": bench_rows.compare,
    "saving": saving,
    "views": bench_views.compare,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--folder", type=Path, help="views: keeps the generated workspace for the next time")
    parser.add_argument("--samples", type=int, default=10_000, help="project: how many generated vectors")
    parser.add_argument("--width", type=int, default=512, help="project: their dimension")
    parser.add_argument("--run", default="", help="project: the embedded images of a run instead")
    arguments = parser.parse_args()
    set_up_log()
    given = {"views": [arguments.folder], "project": [arguments.samples, arguments.width, arguments.run]}
    main(partial(BENCHES[arguments.name], *given.get(arguments.name, [])))
