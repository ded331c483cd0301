"""``python -m scripts.embeddings import FILE --name NAME``: embeddings of elsewhere, and what is trained on them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.config.vectors import OrthogonaliseConfig, VectorImportConfig
from core.imported import ImportedSet, readable_sets, remove_set
from core.metrics.similarity import cosine_matrix, off_diagonal, uniformity
from core.vectors.making import Making, list_makings
from scripts.common import main
from scripts.following import follow_making

EXAMPLE = (
    "examples: import clip.pt --name clip --labels names.json; orthogonalise clip --form gram --out clip-gram; list"
)

COMPARED = 2000
"""Of so many vectors every pair is compared: 4 million cosines."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.embeddings", description=__doc__, epilog=EXAMPLE)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the sets of this workspace")
    bring = commands.add_parser("import", help="make a set of the vectors in a file")
    bring.add_argument("path", metavar="FILE", help=".npy, .npz, .safetensors, .csv, .tsv, .parquet, .pt or .pth")
    bring.add_argument("--name", required=True, help="of the new set")
    bring.add_argument("--labels", default="", help="nih, chexpert, or a file: .txt (one a line) or .json (a list)")
    bring.add_argument("--array", default="", help="which array or tensor, where the file holds several")
    bring.add_argument("--label-column", default="", help="of a table whose columns of words are several")
    train = commands.add_parser("orthogonalise", help="train the orthogonal module on a set; its output is a new set")
    train.add_argument("source", metavar="NAME", help="the set to start from")
    train.add_argument("--out", dest="name", required=True, help="name of the new set")
    train.add_argument("--form", choices=("gram", "absolute", "cross-entropy"), default="gram")
    for name in ("steps", "seed", "width", "layers"):
        default = OrthogonaliseConfig.__dataclass_fields__[name].default
        train.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    train.add_argument("--attention-heads", type=int, default=4, help="default 4")
    train.add_argument("--learning-rate", type=float, default=1e-3, help="default 0.001")
    train.add_argument("--scale", type=float, default=10.0, help="of the cross-entropy form; default 10")
    commands.add_parser("remove", help="forget a set").add_argument("name")
    return parser.parse_args()


def described(one: ImportedSet) -> str:
    """A set in some lines: its numbers, where it comes from, what was changed."""
    vectors, origin = one.embedding.vectors, one.manifest["origin"]
    made = f"a {origin['format']} file" if origin["kind"] == "file" else f"the orthogonal module on {origin['source']}"
    lines = [f"{one.name}: {len(vectors)} vectors of {vectors.shape[1]} dimensions, from {made}"]
    if 1 < len(vectors) <= COMPARED:
        cosines = off_diagonal(cosine_matrix(vectors))
        lines.append(
            f"  cosine of two: mean {cosines.mean:.4f}, smallest {cosines.min:.4f}, largest {cosines.max:.4f}, "
            f"mean |cosine| {cosines.mean_abs:.4f}; uniformity {uniformity(vectors):.3f}"
        )
    return "\n".join([*lines, *(f"  {notice}" for notice in one.manifest["notices"])])


def work() -> None:
    chosen = parse()
    settings = {name: value for name, value in vars(chosen).items() if name != "command"}
    if chosen.command == "import":
        settings["path"] = str(Path(chosen.path).expanduser().absolute())  # the process works in another folder
        if Path(chosen.labels).is_file():
            settings["labels"] = str(Path(chosen.labels).absolute())
        print(described(follow_making(Making.begin(VectorImportConfig(**settings)))))
    elif chosen.command == "orthogonalise":
        print(described(follow_making(Making.begin(OrthogonaliseConfig(**settings)))))
    elif chosen.command == "remove":
        remove_set(chosen.name)
        print(f"Set {chosen.name!r} removed.")
    else:
        found, broken = readable_sets()
        for one in found:
            print(described(one))
        for job in list_makings():
            print(f"{job.id}: {job.state().words}", file=sys.stderr)
        for reason in broken.values():
            print(reason, file=sys.stderr)


if __name__ == "__main__":
    main(work)
