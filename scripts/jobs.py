"""``python -m scripts.jobs list | stop | resume | rename | archive | restore``: all long work of the workspace."""

from __future__ import annotations

import argparse
import json
import time

from core.errors import RunError
from core.jobs import device_words
from core.runs import Run
from core.work import duration
from core.work_list import PARENTS, Item, all_work, find
from scripts.common import main

EXAMPLES = """examples:
  python -m scripts.jobs list
  python -m scripts.jobs stop 3f2a import:nih        (or: stop --all-running)
  python -m scripts.jobs resume 3f2a
  python -m scripts.jobs rename 3f2a "the one with the long schedule"

ID is that of a run (its beginning is enough) or the name of an import, ablation, search or set of embeddings;
KIND:NAME where a name alone says too little.
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.jobs", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", help="what is at work, what waits, how the rest ended")
    listed.add_argument("--json", action="store_true", help="as JSON, with folders and seconds")
    listed.add_argument("--archived", action="store_true", help="with the runs that lists leave out")
    stop = commands.add_parser("stop", help="ask work to save and end; it can be resumed")
    stop.add_argument("ids", nargs="*", metavar="ID")
    stop.add_argument("--all-running", action="store_true", help="all that is at work or waits")
    for name, words in (
        ("resume", "go on with work that was stopped, failed or got lost"),
        ("archive", "leave runs out of the lists; nothing is deleted"),
        ("restore", "bring archived runs back"),
    ):
        commands.add_parser(name, help=words).add_argument("ids", nargs="+", metavar="ID")
    rename = commands.add_parser("rename", help="give a run another label")
    rename.add_argument("id", metavar="ID")
    rename.add_argument("label", help="empty: the one that it had at first")
    chosen = parser.parse_args()
    if chosen.command == "stop" and bool(chosen.ids) == chosen.all_running:
        parser.error("give the IDs of what is to stop, or --all-running")
    return chosen


def line(item: Item) -> str:
    """One piece of work in the table."""
    name = item.id[:8] if item.kind == "run" else item.id
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(item.ended)) if item.ended else ""
    since = f"for {duration(item.seconds)}" if item.seconds is not None else when
    how = "  ".join(
        word
        for word in (item.state.words, item.progress, device_words(item.work.folder) if item.accelerators else "")
        if word
    )
    return f"{item.kind:11}{name[:23]:24}{since:18}{how}  {item.title}".rstrip()


def stop(items: list[Item]) -> None:
    """Ask each; what starts other work first."""
    for item in sorted(items, key=lambda one: one.kind not in PARENTS):
        if item.work.stop():
            print(f"Asked to save and stop: {item.kind} {item.id}")
        else:
            print(f"Not at work here: {item.kind} {item.id} ({item.state.words})")


def run_of(item: Item) -> Run:
    if not isinstance(item.work, Run):
        raise RunError(f"{item.id} is no run but of kind {item.kind}: only runs can be renamed and archived.")
    return item.work


def work() -> None:
    chosen = parse()
    items = all_work(archived=chosen.command != "list" or chosen.archived)
    if chosen.command == "list":
        lines = [line(item) for item in items] or ["Nothing yet: start with `python -m scripts.run`, or on the page."]
        print(json.dumps([item.to_json() for item in items], indent=1) if chosen.json else "\n".join(lines))
    elif chosen.command == "rename":
        run_of(find(chosen.id, items)).rename(chosen.label)
    elif chosen.command == "stop":
        busy = [item for item in items if item.state.busy]
        stop(busy if chosen.all_running else [find(wanted, items) for wanted in chosen.ids])
    else:
        for item in [find(wanted, items) for wanted in chosen.ids]:
            item.resume() if chosen.command == "resume" else getattr(run_of(item), chosen.command)()
            print(f"{chosen.command}d: {item.kind} {item.id}")


if __name__ == "__main__":
    main(work)
