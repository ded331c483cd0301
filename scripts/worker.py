"""``python -m scripts.worker run ID [--stage NAME] | import NAME | ... | map RUN/KEY``: what others start and watch."""

from __future__ import annotations

import argparse
import logging
from functools import partial

from core.launching import is_launched, launch
from scripts.common import main, reporting, set_up_log


def run(run_id: str, stage: str | None) -> None:
    """All stages of a run that are not done, or one alone."""
    from core.runs import Run

    found = Run.load(run_id)
    if (devices := found.config.training.devices) > 1 and not is_launched():
        reporting(found, lambda: launch(found.arguments(stage), devices))
        return

    def work() -> None:
        from core.parallel import joined, leave
        from core.pipeline import Pipeline

        with joined() as world:
            logging.getLogger("core").setLevel(logging.INFO if world.first else logging.WARNING)
            logging.getLogger("core").info("run %s: %s on study %s", found.id, found.title, found.config.study)
            pipeline = Pipeline(found)
            pipeline.all_stages() if stage is None else getattr(pipeline, stage)()
            leave()

    reporting(found, work)


def bring(name: str) -> None:
    """The import of a study."""
    from core.studies.imports import Import

    found = Import.load(name)
    logging.getLogger("core").info("import of study %s from source %s", name, found.config.source)

    def work() -> None:
        from core.studies.importing import run_import

        run_import(found)

    reporting(found, work)


def ablate(name: str) -> None:
    """The runs of an ablation."""
    from core.ablation.folder import Ablation
    from core.ablation.working import work_off

    found = Ablation.load(name)
    logging.getLogger("core").info("ablation %s: %d runs on study %s", name, len(found.cells), found.config.study)
    reporting(found, lambda: work_off(found))


def search(name: str, number: str) -> None:
    """One worker of a search."""
    from core.searches import Search, SearchWorker
    from core.searching.worker import Searcher

    worker = SearchWorker(Search.load(name).folder / "workers" / number)
    reporting(worker, lambda: Searcher(worker).work())


def carry_out(kind: str, name: str) -> None:
    """A set of embeddings, a further map of a run, a report, or where a run looks: each knows how it is made."""
    from core.attention.boxed import attention_work
    from core.maps.asked import AskedMap
    from core.report.folder import report_of
    from core.vectors.making import Making

    finders = {"embeddings": Making.load, "map": AskedMap.named, "report": report_of, "look": attention_work}
    reporting(found := finders[kind](name), found.carry_out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m scripts.worker", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_run = kinds.add_parser("run")
    of_run.add_argument("id")
    of_run.add_argument("--stage", choices=("train", "embed", "evaluate", "project"))
    of_run.set_defaults(work=lambda given: run(given.id, given.stage))
    carried = ((kind, partial(carry_out, kind)) for kind in ("embeddings", "map", "report", "look"))
    for kind, work in (("import", bring), ("ablation", ablate), *carried):
        of_name = kinds.add_parser(kind)
        of_name.add_argument("name")
        of_name.set_defaults(work=lambda given, work=work: work(given.name))
    of_search = kinds.add_parser("search")
    of_search.add_argument("name")
    of_search.add_argument("--worker", default="1")
    of_search.set_defaults(work=lambda given: search(given.name, given.worker))
    arguments = parser.parse_args()
    set_up_log()
    main(lambda: arguments.work(arguments))
