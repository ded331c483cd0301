"""Examples of the figures of scores: with hostile names, without data, and of one of everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures.calibration import Bins, calibration_curves
from core.figures.dots import Dots
from core.figures.mistaken import mistaken_for
from core.figures.operating import Line, pr_curves, roc_curves
from core.figures.scores import differences, groups, subgroups
from core.figures.theme import Theme

Make = Callable[[Theme], go.Figure]
GRID = np.linspace(0, 1, 11)


def line(name: str, *, band: bool = True) -> Line:
    place = np.linspace(0, 1, 3000)
    ends = (GRID**0.5 - 0.1, np.minimum(GRID**0.5 + 0.1, 1)) if band else (np.full(11, np.nan), np.full(11, np.nan))
    return Line(
        name=name, words="0.8 [0.7, 0.9]", x=place, y=place**0.5, grid=GRID, low=ends[0], high=ends[1],
        point=(0.25, 0.5) if band else (np.nan, 0.5), told="threshold 0.3",
    )  # fmt: skip


def dots(name: str, count: int, *, shift: float = 0.0, beyond: bool = False) -> Dots:
    """The last one has no value, the one before no interval."""
    values = np.linspace(-0.2, 0.3, count) + shift
    values[-1:] = np.nan
    lows, highs = values - 0.1, values + 0.15
    lows[-2:] = highs[-2:] = np.nan
    filled = [at % 2 == 0 for at in range(count)] if beyond else None
    return Dots(name=name, values=values, lows=lows, highs=highs, beyond=filled, words=[f"{name} p"] * count)


def bins(name: str) -> Bins:
    """The third of four is empty."""
    return Bins(
        name=name, words="ECE 0.1", edges=np.linspace(0, 1, 5), count=[5, 3, 0, 9],
        predicted=[0.1, 0.4, np.nan, 0.9], observed=[0, 0.33, np.nan, 1.0], low=[0, 0.1, np.nan, 0.7],
        high=[0.4, 0.6, np.nan, 1.0],
    )  # fmt: skip


def missing(names: Sequence[str], theme: Theme) -> go.Figure:
    """The last disease is never missed."""
    count = len(names)
    missed = np.arange(count)[::-1]
    called = np.minimum(missed[:, None], np.arange(count)[None]) // 2
    return mistaken_for(names, missed, called, np.linspace(0, 0.5, count), called // 2, theme=theme)


def figures(hostile: str, names: Sequence[str]) -> dict[str, Make]:
    count = len(names)
    people = [dots(hostile, count), dots("b (n=3)", count, shift=0.1)]
    positives = np.arange(2 * count).reshape(2, count)
    positives[:, -1] = 0, 7
    return {
        "roc": lambda theme: roc_curves(
            [line(hostile), line("b", band=False)], n_positive=9, n_negative=90, theme=theme
        ),
        "precision-recall": lambda theme: pr_curves(
            [line(hostile), line("b")], n_positive=9, n_negative=90, theme=theme
        ),
        "calibration": lambda theme: calibration_curves([bins(hostile), bins("b")], n=17, theme=theme),
        "auroc-difference": lambda theme: differences(
            names, [dots(hostile, count, beyond=True), dots("c", count, shift=0.1)], reference=hostile,
            n=["n=3"] * count, theme=theme,
        ),
        "groups": lambda theme: groups(
            [hostile, "tail"], [("AUROC", [dots(hostile, 2), dots("b", 2)]), (hostile, [dots("a", 2), dots("b", 2)])],
            theme=theme,
        ),
        "subgroups": lambda theme: subgroups(
            names, [hostile, "b (n=3)"], [(hostile, people), ("other", people)], positives, measure="gap", zero=0.0,
            theme=theme,
        ),
        "mistaken-for": lambda theme: missing(names, theme),
    }  # fmt: skip


def without_data() -> dict[str, Make]:
    return {
        "roc": lambda theme: roc_curves([line("a")], n_positive=0, n_negative=90, theme=theme),
        "precision-recall": lambda theme: pr_curves([line("a")], n_positive=9, n_negative=0, theme=theme),
        "calibration": lambda theme: calibration_curves([bins("a")], n=0, theme=theme),
        "auroc-difference": lambda theme: differences(["Edema"], [], reference="a", n=["n=1"], theme=theme),
        "groups": lambda theme: groups([], [], theme=theme),
        "subgroups": lambda theme: subgroups(["Edema"], [], [], [], measure="gap", zero=0.0, theme=theme),
        "mistaken-for": lambda theme: mistaken_for([], [], [], [], [], theme=theme),
    }


def smallest() -> dict[str, Make]:
    return {
        "roc": lambda theme: roc_curves([line("a", band=False)], n_positive=1, n_negative=1, theme=theme),
        "precision-recall": lambda theme: pr_curves([line("a")], n_positive=1, n_negative=1, theme=theme),
        "calibration": lambda theme: calibration_curves([bins("a")], n=1, theme=theme),
        "auroc-difference": lambda theme: differences(["Edema"], [dots("b", 1)], reference="a", n=["n=1"], theme=theme),
        "groups": lambda theme: groups(["all"], [("AUROC", [dots("a", 1)])], theme=theme),
        "subgroups": lambda theme: subgroups(
            ["Edema"], ["F"], [("a", [dots("F", 1)])], [[0]], measure="gap", zero=0.0, theme=theme
        ),
        "mistaken-for": lambda theme: mistaken_for(["Edema"], [0], [[0]], [0.0], [[0]], theme=theme),
    }
