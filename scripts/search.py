"""``python -m scripts.search --study NAME --preset orthogonal --trials 20``: look for settings that do better."""

from __future__ import annotations

import argparse
import contextlib
import sys

import tyro

from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.config.search import JUDGED, SearchConfig
from core.config.space import Dimension, default_space
from core.demands import check_search
from core.errors import RunBusy
from core.searches import Search
from scripts.common import main
from scripts.trials import follow_search, outcome

SUMMARY = "What does not vary starts from the preset's settings:"
SPACE = (
    "what varies: PATH=log:LOW:HIGH, PATH=float:LOW:HIGH, PATH=int:LOW:HIGH, PATH=choice:A,B; 'default' stands for "
    "learning rate, batch size, weight decay, the losses' weights and the temperature"
)


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """What is of the search, and what is left: settings of its runs."""
    first = argparse.ArgumentParser(prog="python -m scripts.search", add_help=False, allow_abbrev=False)
    first.add_argument("--preset", choices=sorted(PRESETS), default="orthogonal", help="the named experiment")
    first.add_argument("--study", default="demo", help="name of the study (demo builds itself)")
    first.add_argument("--encoder", default="lite", help="lite, clip, biomedclip, NAME/TAG, hf-hub:org/name, a folder")
    first.add_argument("--name", help="of the search; PRESET-STUDY where it is not given")
    first.add_argument("--trials", type=int, help="trials in all (20); with --resume: more of them")
    first.add_argument("--space", nargs="+", metavar="PATH=...", help=SPACE)
    first.add_argument("--judged", choices=sorted(JUDGED), default="auroc", help="validation AUROC or loss")
    first.add_argument("--sampler", choices=("tpe", "random"), default="tpe", help="who draws settings")
    first.add_argument("--pruner", choices=("median", "hyperband", "none"), default="median", help="who ends trials")
    first.add_argument("--search-seed", type=int, default=0, help="of the sampler (--seed is that of the runs)")
    first.add_argument("--workers", type=int, default=1, help="processes that work on it at once")
    first.add_argument("--resume", metavar="NAME", help="go on with a search, with the settings that it has")
    first.add_argument("--background", action="store_true", help="start it and return at once")
    chosen, rest = first.parse_known_args(arguments)
    if {"-h", "--help"} & set(rest):
        first.print_help()
    elif chosen.resume and (rest or chosen.space):
        first.error("a resumed search keeps its settings; only --trials, --workers and --background can be given")
    if chosen.workers < 1:
        first.error(f"--workers is {chosen.workers}; it must be 1 or more")
    return chosen, rest


def settings(chosen: argparse.Namespace, rest: list[str]) -> SearchConfig:
    if chosen.resume:
        found = Search.load(chosen.resume).config
        return found.replace(trials=chosen.trials or found.trials)
    default = preset(chosen.preset, study=chosen.study, encoder=chosen.encoder)
    base = tyro.cli(RunConfig, default=default, args=rest, description=SUMMARY)
    space: list[Dimension] = []
    for text in chosen.space or ["default"]:
        space += default_space(base, weights=chosen.judged != "loss") if text == "default" else [Dimension.parse(text)]
    return SearchConfig(
        name=chosen.name or f"{chosen.preset}-{chosen.study}", base=base, space=tuple(space),
        trials=chosen.trials or 20, judged=chosen.judged, sampler=chosen.sampler, pruner=chosen.pruner,
        seed=chosen.search_seed,
    )  # fmt: skip


def work() -> None:
    chosen, rest = parse(sys.argv[1:])
    config = settings(chosen, rest)
    check_search(config)
    search = Search.create(config)
    with contextlib.suppress(RunBusy):  # it is at work already: then this command only follows it
        search.start(chosen.workers)
    if chosen.background:
        print(search.id)
        return
    follow_search(search)
    print(outcome(search))


if __name__ == "__main__":
    main(work)
