"""The commands of single stages: ``python -m scripts.train | embed | evaluate | project RUN``."""

from __future__ import annotations

import argparse

from core.runs import Run
from scripts.common import main
from scripts.following import follow


def stage_command(name: str, summary: str) -> None:
    """The command of one stage: ``python -m scripts.NAME RUN``."""
    parser = argparse.ArgumentParser(prog=f"python -m scripts.{name}", description=summary)
    parser.add_argument("run", help="id of the run, or its beginning")
    wanted = parser.parse_args().run

    def work() -> None:
        run = Run.load(wanted)
        follow(run, name)
        print(f"{name} done: {run.folder}")

    main(work)
