"""``python -m scripts.export RUN --figure similarity --format svg --out FILE``: a figure for a paper."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go

from core.errors import ExportError
from core.figures.export import FORMATS, figure_bytes, figure_csv, file_name
from core.figures.theme import DARK, LIGHT, Theme
from core.files import replacing
from core.pictures import curves, diseases, gap, ordering, similarity, similarity_epochs, space, zero_shot
from core.pictures.source import Files
from core.runs import Run, common_study, list_runs
from core.studies.study import Study
from scripts.common import main

Draw = Callable[[list[Run], Study, argparse.Namespace, Theme], go.Figure | None]


def frame_of(runs: list[Run], study: Study, arguments: argparse.Namespace) -> ordering.Frame:
    return ordering.arranged(similarity.of_runs(Files(), runs, study, arguments.cosines), arguments.order)[0]


FIGURES: dict[str, Draw] = {
    "curves": lambda runs, study, a, t: curves.curves(Files(), runs, a.quantity, theme=t),
    "space": lambda runs, study, a, t: space.space(Files(), runs[0], study, look=space.Look(by=a.colour), theme=t),
    "similarity": lambda runs, study, a, t: similarity.panels(
        (frame := frame_of(runs, study, a)).panels, frame.tree, theme=t
    ),
    "similarity-epochs": lambda runs, study, a, t: similarity_epochs.curves(Files(), runs, study, a.cosines, theme=t),
    "difference": lambda runs, study, a, t: similarity.difference(frame_of(runs, study, a).panels, theme=t),
    "pairs": lambda runs, study, a, t: similarity.pairs(frame_of(runs, study, a).panels, theme=t),
    "gap-map": lambda runs, study, a, t: gap.paired(Files(), runs[0], study, shifted=a.shift, theme=t),
    "cones": lambda runs, study, a, t: gap.cones(Files(), runs[0], study, theme=t),
    "shift": lambda runs, study, a, t: gap.shift(Files(), runs[0], marker=a.shift, theme=t),
    "gap-findings": lambda runs, study, a, t: gap.finding_gaps(Files(), runs, study, theme=t),
    "gap-temperature": lambda runs, study, a, t: gap.temperatures(
        gap.temperature_points(Files(), list_runs(), study, runs), theme=t
    ),
    "auroc": lambda runs, study, a, t: diseases.intervals(Files(), runs, study, theme=t),
    "zero-shot": lambda runs, study, a, t: zero_shot.prompts(Files(), runs[0], study, theme=t),
    "confusion": lambda runs, study, a, t: diseases.matrices(
        study, diseases.judge(Files(), runs[0], study, a.rule), theme=t
    ),
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.export", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="id of a run, or its beginning; several where compared")
    parser.add_argument("--figure", choices=sorted(FIGURES), required=True)
    parser.add_argument("--format", choices=FORMATS, default="svg")
    parser.add_argument("--out", type=Path, help="file to write (default: a name made from figure and run)")
    parser.add_argument("--columns", type=int, choices=(1, 2), default=1, help="width of a journal's columns")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--quantity", choices=sorted(curves.QUANTITIES), default="loss", help="of curves")
    parser.add_argument("--colour", default="findings", help="of the space: findings, one finding, split, sex, …")
    parser.add_argument("--cosines", choices=sorted(similarity.KINDS), default="prompts", help="of similarity")
    parser.add_argument("--order", choices=tuple(ordering.ORDERS), default="given", help="of similarity and difference")
    parser.add_argument("--shift", type=float, default=0.0, help="of the gap-map and the shift")
    parser.add_argument("--rule", choices=("f1", "youden", "fixed"), default="f1", help="of the confusion")
    return parser.parse_args()


def work() -> None:
    arguments = parse()
    runs = [Run.load(name) for name in arguments.runs]
    name, findings = common_study(runs)
    if arguments.figure == "difference" and len(runs) != 2:
        raise ExportError(f"A difference is of two runs; {len(runs)} were given.")
    study = Study.load(name).asked_for(findings)
    for run in runs:
        run.check_is_of(study)
    figure = FIGURES[arguments.figure](runs, study, arguments, DARK if arguments.dark else LIGHT)
    if figure is None:
        raise ExportError(f"Run {runs[0].id[:8]} has nothing to draw for {arguments.figure!r}.")
    form = arguments.format
    if form == "csv" and arguments.figure == "curves":  # the picture is thinned
        made = curves.curves_csv(Files(), runs, arguments.quantity)
    else:
        made = figure_csv(figure) if form == "csv" else figure_bytes(figure, form, columns=arguments.columns)
    out = arguments.out or Path(file_name((arguments.figure, runs[0].title, runs[0].id[:4]), form))
    with replacing(out.absolute()) as stream:
        stream.write(made)
    print(out)


if __name__ == "__main__":
    main(work)
