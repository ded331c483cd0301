"""``python -m scripts.ablate --preset demo``: compare configurations over seeds, in the background.

A preset is a grid (demo, alignment-losses) or a preset of scripts.run; --vary crosses it with values of a setting.
The same command goes on after a stop, and with more values or seeds it makes only the runs that are new.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.ablation.folder import Ablation, list_ablations
from core.ablation.grids import GRIDS, ablation
from core.ablation.numbers import METRICS, Table, compare
from core.ablation.table import to_csv, to_latex
from core.config.presets import PRESETS
from core.files import replacing
from core.pictures.source import Files
from core.studies.study import Study
from scripts import clusters
from scripts.common import main
from scripts.comparing import comparison
from scripts.following_ablation import follow_ablation

EXAMPLES = """examples:
  python -m scripts.ablate --preset demo
  python -m scripts.ablate --preset alignment-losses --study NAME --vary encoder clip biomedclip
  python -m scripts.ablate --preset orthogonal --vary objective.orthogonal 0 1 --seeds 0 1 2 3 4
  python -m scripts.ablate --preset demo --on slurm --slurm.partition gpu --slurm.gpus 1 --slurm.at-once 4
  python -m scripts.ablate list
  python -m scripts.ablate show demo --baseline linear --metric prompt_cosine --csv FILE --latex FILE
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ablate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[clusters.parent()],
    )
    grid = parser.add_argument_group("a grid (without: list, or show NAME)")
    grid.add_argument("--preset", choices=[*GRIDS, *PRESETS], help="where all configurations start from")
    grid.add_argument("--study", default="demo", help="name of the study (demo builds itself)")
    grid.add_argument("--vary", nargs="+", action="append", default=[], metavar=("PATH", "VALUE"),
                      help="a setting and its values, such as objective.orthogonal 0 1; again for another")  # fmt: skip
    grid.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="each configuration runs once with each")
    grid.add_argument("--name", default="", help="of the ablation; without: made from preset, study and paths")
    grid.add_argument("--background", action="store_true", help="start it and return at once")
    parser.add_argument("what", nargs="?", choices=("list", "show"), help="the ablations that are there; one's table")
    parser.add_argument("which", nargs="?", metavar="NAME", help="of the ablation to show")
    parser.add_argument("--baseline", help="label of the configuration that others are compared with")
    parser.add_argument("--metric", choices=list(METRICS), default="auroc", help="of the differences")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV, too")
    parser.add_argument("--latex", type=Path, metavar="FILE", help="write the table as LaTeX, too")
    chosen = parser.parse_args(arguments)
    if bool(chosen.preset) == bool(chosen.what) or (chosen.what == "show") != bool(chosen.which):
        parser.error("give --preset NAME to start or go on with an ablation, or `list`, or `show NAME`")
    if len({path for path, *_ in chosen.vary}) < len(chosen.vary):
        parser.error("give all values of a setting after one --vary")
    return chosen


def show(found: Ablation, chosen: argparse.Namespace) -> None:
    table: Table = compare(
        Files(), found, Study.load(found.config.study), baseline=chosen.baseline, metric=chosen.metric
    )
    print(comparison(table))
    for path, make in ((chosen.csv, to_csv), (chosen.latex, to_latex)):
        if path:
            with replacing(path.absolute()) as stream:
                stream.write(make(table))
            print(f"written: {path}")


def work() -> None:
    where, rest = clusters.take(sys.argv[1:])
    chosen = parse(rest)
    if chosen.what == "list":
        for found in list_ablations():
            done = sum(cell.done for cell in found.cells)
            print(f"{found.id:32}{done:>4} of {len(found.cells)} runs  {found.state().words:16}{found.config.study}")
        return None
    if chosen.what:
        return show(Ablation.load(chosen.which), chosen)
    vary = {path: values for path, *values in chosen.vary}
    config = ablation(chosen.preset, study=chosen.study, seeds=chosen.seeds, vary=vary, name=chosen.name)
    if chosen.background:
        print(Ablation.begin(config, where).id)
        return None
    found, code = follow_ablation(config, where)
    if any(cell.done for cell in found.cells):
        show(found, chosen)
    sys.exit(code)


if __name__ == "__main__":
    main(work)
