"""``python -m scripts.card RUN --out DIR``: a finished run as a folder that loads elsewhere, with its model card."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cards.writing import write_model
from core.runs import Run
from scripts.common import main


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.card", description=__doc__)
    parser.add_argument("run", help="id of a finished run, or its beginning")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write: new, or empty")
    return parser.parse_args()


def work() -> None:
    arguments = parse()
    folder = write_model(Run.load(arguments.run), arguments.out)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder} ({size / 1e6:.1f} MB)")
    print(f"On any machine with Fluoroscope: python -m scripts.embed {folder.name} --study NAME")


if __name__ == "__main__":
    main(work)
