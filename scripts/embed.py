"""``python -m scripts.embed RUN``, or ``FOLDER --study NAME``: embed a study with a run, or with a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cards.folder import MANIFEST
from core.cards.keeping import keeping
from core.cards.origins import origins_of, words
from core.cards.reading import Model
from core.cards.thresholds import OF_CARD
from core.config.encoders import resolve_encoder
from core.demands import launching, new_run, with_model
from core.runs import Run
from scripts.common import main
from scripts.following import follow
from scripts.tables import report


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.embed",
        description="Embed all splits with the head of a run; or make a new run of a model folder on a study: it is "
        "embedded, evaluated and projected, and nothing is trained.",
    )
    parser.add_argument("source", metavar="RUN|FOLDER", help="id of a run, or its beginning; with --study: a folder")
    parser.add_argument("--study", help="study of this workspace that a model folder is taken to")
    parser.add_argument(
        "--encoder", default="", help="towers of this machine, where those of the folder came from a folder elsewhere"
    )
    found = parser.parse_args()
    if not found.study and (Path(found.source) / MANIFEST).is_file():
        parser.error("this is a model folder: say which study it is taken to (--study NAME)")
    if found.encoder and not found.study:
        parser.error("--encoder goes with a model folder: give --study, too")
    return found


def stage(name: str) -> None:
    """Embed again with a run."""
    run = Run.load(name)
    follow(run, "embed")
    print(f"embed done: {run.folder}")


def bring(folder: str, study: str, encoder: str) -> None:
    """A new run of a model folder; a folder that does not fit leaves nothing behind."""
    with keeping(folder) as model:
        from core.cards.fitting import check_fits  # loads torch, which a folder that is refused can do without

        config = with_model(model, study, resolve_encoder(encoder) if encoder else None)
        check_fits(model, config.encoder)
        run = new_run(config)
    print(words(origins_of(config.start_from)))
    with launching(run):
        follow(run)
    print(report(run))
    print(thresholds(run, model))


def thresholds(run: Run, model: Model) -> str:
    """Whose thresholds the run was judged by."""
    test = run.evaluation()["test"]
    if test is None:
        return "Nothing was judged, so no threshold was used."
    brought = [row["finding"] for row in test["findings"] if row["threshold"]["note"].startswith(OF_CARD)]
    if brought:
        return f"Thresholds of {len(brought)} findings are the model card's: this study has no validation split."
    return "Thresholds were chosen anew on this study's validation split."


def work() -> None:
    arguments = parse()
    if arguments.study:
        bring(arguments.source, arguments.study, arguments.encoder)
    else:
        stage(arguments.source)


if __name__ == "__main__":
    main(work)
