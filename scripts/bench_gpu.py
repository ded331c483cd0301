"""Training and embedding through ViT towers on a GPU, against the bare passes of the same tower."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import torch

from core.config.encoders import EncoderConfig, TowerConfig
from core.config.tuning import TuningConfig
from core.devices import autocast, best_device, describe, precision
from core.encoders import Encoder, as_pixels, load_encoder
from core.files import replacing
from core.tuning import Tuning
from core.workspace import home
from scripts.bench_steps import STEPS, training
from scripts.timing import typical

TOWERS = ("ViT-B-32", "ViT-B-16")
SIDE = 224


def compare() -> None:
    """A row for each tower, as a whole batch and in pieces; written to ``bench/gpu.csv`` of the workspace."""
    device = best_device()
    if device.type != "cuda":
        print("No GPU on this machine: nothing was measured, and there is no table.")
        return
    rows = [row for name in TOWERS for row in measured(vit(name, device), batch=256, pieces=(0, 64))]
    table = pd.DataFrame(rows)
    print(f"{describe(device)}, {precision(device)}, torch {torch.__version__}, {date.today()}\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    with replacing(home() / "bench" / "gpu.csv") as stream:
        stream.write(table.assign(device=describe(device), date=date.today()).to_csv(index=False).encode())


def vit(name: str, device: torch.device) -> Encoder:
    """Random weights cost what trained ones do."""
    tower = TowerConfig(family="open_clip", name=name, pretrained="random")
    return load_encoder(EncoderConfig(key=f"open_clip:{name}/random", image=tower, text=tower), device)


def measured(encoder: Encoder, batch: int, pieces: tuple[int, ...]) -> list[dict[str, object]]:
    """One row for each size of pieces (0: the whole batch at once)."""
    images = np.random.default_rng(0).integers(0, 256, (2 * batch, SIDE, SIDE), dtype=np.uint8)
    tower, device = encoder.image, encoder.device
    prepared = tower.prepare(as_pixels(images[:batch], device))
    with torch.inference_mode():
        forward = typical(lambda: bare_forward(encoder, prepared), warm=3, repeats=STEPS, device=device)
    embedding = typical(lambda: encoder.embed_images(images[:batch]), warm=3, repeats=STEPS, device=device)
    loading = typical(lambda: tower.prepare(as_pixels(images[:batch], device)), warm=3, repeats=STEPS, device=device)
    tuning = Tuning({"image": tower, "text": encoder.text}, TuningConfig(image="everything", learning_rate=1e-5), 0)
    tuning.train()
    both = typical(lambda: bare_both(encoder, prepared), warm=3, repeats=STEPS, device=device)
    tower.zero_grad(set_to_none=True)
    found = []
    for piece in pieces:
        step, memory = training(encoder, tuning, images, batch, piece)
        found.append(
            {
                "tower": encoder.config.image.name,
                "batch": batch,
                "in pieces of": piece or batch,
                "forward + backward, images/s": batch / both,
                "training step, images/s": batch / step,
                "step / passes": step / both,
                "loading and preparing / step": loading / step,
                "peak memory, GiB": memory,
                "forward, images/s": batch / forward,
                "embedding, images/s": batch / embedding,
                "embedding / forward": embedding / forward,
            }
        )
    return found


def bare_forward(encoder: Encoder, prepared: torch.Tensor) -> None:
    with autocast(encoder.device):
        encoder.image.features(prepared).float().cpu()


def bare_both(encoder: Encoder, prepared: torch.Tensor) -> None:
    with autocast(encoder.device):
        loss = encoder.image.features(prepared).float().square().mean()
    loss.backward()
