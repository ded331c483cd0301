"""``python -m scripts.run --preset orthogonal --study NAME``: train, embed, evaluate, project."""

from __future__ import annotations

import argparse
import contextlib
import sys

import tyro

from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.demands import launching, new_run, on_another_study
from core.runs import Run
from scripts import clusters
from scripts.common import main
from scripts.following import follow
from scripts.tables import report

SUMMARY = "Make a run: train, embed, evaluate and project. These settings start from the preset's:"


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Preset, study and encoder (they give the defaults of all other settings), and what is left."""
    first = argparse.ArgumentParser(
        prog="python -m scripts.run", add_help=False, allow_abbrev=False, parents=[clusters.parent()]
    )
    first.add_argument("--preset", choices=sorted(PRESETS), default="orthogonal", help="the named experiment")
    first.add_argument("--study", default="demo", help="name of the study (demo builds itself)")
    first.add_argument(
        "--encoder", default="", help="lite, clip, ..., IMAGE+TEXT, a folder; the preset's own if not given"
    )
    first.add_argument(
        "--from", dest="source", metavar="RUN", help="judge a finished run on --study; nothing is trained"
    )
    first.add_argument("--resume", metavar="RUN", help="go on with a run instead of making one")
    first.add_argument("--background", action="store_true", help="start it and return at once")
    chosen, rest = first.parse_known_args(arguments)
    if {"-h", "--help"} & set(rest):
        first.print_help()
    elif chosen.resume and rest:
        first.error(f"a resumed run keeps the settings that it was made with; these cannot be given: {' '.join(rest)}")
    return chosen, rest


def work() -> None:
    where, arguments = clusters.take(sys.argv[1:])
    chosen, rest = parse(arguments)
    if chosen.resume and not rest:
        run = Run.load(chosen.resume)
    else:
        default = (
            on_another_study(Run.load(chosen.source), chosen.study)
            if chosen.source
            else preset(chosen.preset, study=chosen.study, encoder=chosen.encoder)
        )
        config = tyro.cli(RunConfig, default=default, args=rest, description=SUMMARY)
        run = new_run(config)
    with contextlib.nullcontext() if chosen.resume else launching(run):
        if where:
            run.place(where)
        if chosen.background:
            run.start()
            print(run.id)
            return
        follow(run)
    print(report(run))


if __name__ == "__main__":
    main(work)
