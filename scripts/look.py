"""``python -m scripts.look RUN --sample ID --finding Mass``: where a run looks; ``--boxes``: is it where boxes are?"""

from __future__ import annotations

import argparse
import math
import sys
import time

from tqdm import tqdm

from core.attention.boxed import Boxed
from core.attention.looked import Looked
from core.attention.maps import METHODS, Look, Saliency
from core.errors import ConfigError
from core.metrics.pointing import Summary, peak
from core.runs import Run
from core.work import read_progress
from scripts.common import main
from scripts.watching import advance, end, watch

NOTE = "A map shows what moves this score, not why. The process that makes maps stays warm for ten minutes."


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.look", description=__doc__, epilog=NOTE)
    parser.add_argument("run", help="id of the run, or its beginning")
    parser.add_argument("--sample", help="id of a radiograph of its study")
    parser.add_argument("--finding", default="", help="a disease of its study")
    parser.add_argument("--text", default="", help="words instead of a disease; -: read from standard input")
    parser.add_argument("--method", choices=list(METHODS), default="gradient", help="rollout: transformers only")
    parser.add_argument("--boxes", action="store_true", help="the pointing game over radiographs with boxes")
    parser.add_argument("--all", action="store_true", help="with --boxes: of all splits, not of the test split alone")
    parser.add_argument("--background", action="store_true", help="with --boxes: start it and return at once")
    return parser.parse_args()


def map_of(looked: Looked, look: Look) -> Saliency:
    """The map, from the process or kept from an earlier look."""
    looked.ask(look)
    told = ""
    while (found := looked.answer(look)) is None:
        if told != (told := looked.state().words):
            print(f"Image tower {told}", file=sys.stderr)
        time.sleep(0.02)
    return found


def tell(found: Saliency) -> None:
    """What the map says, in words."""
    print(f"{found.scored_by} {found.score:+.4f} · {found.method} at {found.where}")
    place = peak(found.values)
    if place is None:
        print("Nothing in this radiograph raises the score: the map is empty.")
    else:
        print(f"highest at {place[0]:.0%} from the left, {place[1]:.0%} from the top")


def point(run: Run, chosen: argparse.Namespace) -> None:
    """Start the pointing game, show how far it is until it ends, and tell its rates; else end as it did."""
    boxed = Boxed.of(run)
    boxed.start("all" if chosen.all else "test")
    if chosen.background:
        print(boxed.id)
        return
    with tqdm(unit=" maps", desc=boxed.id) as bar:
        state = watch(boxed, lambda: advance(bar, read_progress(boxed.folder)["now"]))
    found = boxed.result()
    if not state.done or found is None:
        end(state, boxed.failure() or f"{boxed.id} {state.words}.\n{boxed.log_tail(12)}")
    print(f"{found.rows}; hit rate [95 % interval], by chance, from the middle, share of the map in the boxes")
    names = tuple(dict.fromkeys(found.table["finding"].tolist()))
    for name, own in [*found.by_finding(names).items(), ("all", found.overall())]:
        print(line(name, own))


def line(name: str, own: Summary) -> str:
    inside = "-" if math.isnan(own.inside) else f"{own.inside:.1%}"
    rates = f"{own.rate.value:6.1%} [{own.rate.low:.1%}, {own.rate.high:.1%}]  {own.area:5.1%}  {own.centre:5.1%}"
    return f"{name:20} n={own.n:<4} {rates}  {inside}" + (f"  ({own.empty} maps empty)" if own.empty else "")


def work() -> None:
    chosen = parse()
    run = Run.load(chosen.run)
    if chosen.boxes:
        point(run, chosen)
        return
    if not chosen.sample:
        raise ConfigError("Say which radiograph: --sample ID; or --boxes for all with boxes.")
    looked, text = Looked.of(run), sys.stdin.read() if chosen.text == "-" else chosen.text
    tell(map_of(looked, looked.look(chosen.sample, finding=chosen.finding, text=text, method=chosen.method)))


if __name__ == "__main__":
    main(work)
