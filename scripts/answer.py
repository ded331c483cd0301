"""``python -m scripts.answer RUN``: the process that answers who looks for radiographs by text; others start it."""

from __future__ import annotations

import argparse

from core.asking.questions import Asked
from core.asking.warm import idle_seconds
from core.runs import Run
from core.work import StopRequest
from scripts.common import main, reporting, set_up_log


def work() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.answer", description=__doc__)
    parser.add_argument("run", help="id of the run, or its beginning")
    asked = Asked.of(Run.load(parser.parse_args().run))
    stop = StopRequest()

    def answering() -> None:
        from core.asking.service import serve

        serve(asked, idle_seconds(), stop)

    reporting(asked, answering)


if __name__ == "__main__":
    set_up_log()
    main(work)
