"""``python -m scripts.project RUN``: draw a run's own map; with settings, a further one beside it."""

from __future__ import annotations

import argparse
import sys

import tyro
from tqdm import tqdm

from core.config.run import ProjectionConfig
from core.maps.asked import AskedMap, same_as_own
from core.runs import Run
from core.work import read_progress
from scripts.common import main
from scripts.following import follow
from scripts.watching import end, watch

SUMMARY = "Settings of a further map; what is not given is as in the run's own:"


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The run, and what is said of a further map."""
    first = argparse.ArgumentParser(
        prog="python -m scripts.project", description=__doc__, add_help=False, allow_abbrev=False
    )
    first.add_argument("run", help="id of the run, or its beginning")
    first.add_argument("--seed", type=int, help="random state of a further map; the run's own if not given")
    first.add_argument("--background", action="store_true", help="start it and return at once")
    if {"-h", "--help"} & set(arguments):
        first.print_help()
        tyro.cli(ProjectionConfig, args=["--help"], description=SUMMARY)
    return first.parse_known_args(arguments)


def follow_map(asked: AskedMap) -> str:
    """Start a further map, show how far it is until it ends, and tell its scores; else end as it did."""
    asked.start()
    with tqdm(bar_format="{desc} {elapsed}") as bar:
        state = watch(
            asked, lambda: bar.set_description_str((read_progress(asked.folder)["now"] or {}).get("stage", ""))
        )
    if not state.done:
        end(state, asked.failure() or f"Map {asked.id} {state.words}.\n{asked.log_tail(12)}")
    found = asked.projection()
    scores = ", ".join(f"{name} {value:.3f}" for name, value in found.faithfulness.items() if isinstance(value, float))
    return f"{asked.folder / 'map.parquet'}: {len(found.ids):,} points; {scores or 'too few points to be measured'}"


def work() -> None:
    chosen, rest = parse(sys.argv[1:])
    run = Run.load(chosen.run)
    seed = run.config.seed if chosen.seed is None else chosen.seed
    config = tyro.cli(ProjectionConfig, default=run.config.projection, args=rest)
    if same_as_own(run, config, seed):
        follow(run, "project")
        print(f"project done: {run.folder}")
        return
    asked = AskedMap.of(run, config, seed)
    if chosen.background:
        asked.start()
        print(f"{run.id[:8]}/{asked.id}")
        return
    print(follow_map(asked))


if __name__ == "__main__":
    main(work)
