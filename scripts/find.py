"""``python -m scripts.find RUN "large left effusion"``: the radiographs that lie nearest to words in a run's space."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from core.asking.questions import Asked
from core.metrics.neighbours import nearest
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from scripts.common import main

NOTE = "The process that embeds the words stays warm for ten minutes, for the next ones; the words are kept nowhere."


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.find", description=__doc__, epilog=NOTE)
    parser.add_argument("run", help="id of the run, or its beginning")
    parser.add_argument("text", help="what to look for, in up to 500 characters; -: read from standard input")
    parser.add_argument("--count", type=int, default=10, help="how many radiographs; default 10")
    return parser.parse_args()


def vector_of(asked: Asked, text: str) -> NDArray[np.float32]:
    """The vector of the words, from the process or from an earlier answer."""
    name, told = asked.ask(text), ""
    while (found := asked.answer(name)) is None:
        if told != (told := asked.state().words):
            print(f"Text tower {told}", file=sys.stderr)
        time.sleep(0.02)
    return found


def findings(study: Study, row: int) -> str:
    """The findings that are present, with commas."""
    labels = study.labels[row]
    present = [display_name(name) for name, value in zip(study.findings, labels, strict=True) if value == 1]
    return ", ".join(present) or ("unknown" if np.isnan(labels).any() else "no finding")


def work() -> None:
    chosen = parse()
    run = Run.load(chosen.run)
    study = Study.load(run.config.study).asked_for(run.config.findings)
    run.check_is_of(study)
    images = run.embeddings("images")
    text = sys.stdin.read() if chosen.text == "-" else chosen.text
    found = nearest(images.vectors, vector_of(Asked.of(run), text), chosen.count, normalised=True)
    for row, cosine in zip(found.indices.tolist(), found.cosines.tolist(), strict=True):
        print(f"{images.ids[row]}  {cosine:+.4f}  {findings(study, row)}")


if __name__ == "__main__":
    main(work)
