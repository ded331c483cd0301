"""In which order the labels of heatmaps stand, and the tree that shows why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.figures.similarity import Tree
from core.metrics.ordering import clustering
from core.pictures.similarity import Panel
from core.studies.hierarchy import PLACES, full_path

ORDERS = {"given": "As listed", "name": "By name", "hierarchy": "By anatomy", "clustering": "By likeness"}

Path = tuple[str, ...]
Lines = list[tuple[list[float], list[float]]]


@dataclass(frozen=True)
class Frame:
    """Panels of the same labels in the same order, and the tree of these labels where the order has one."""

    panels: tuple[Panel, ...]
    tree: Tree | None


def arranged(found: Sequence[Panel], how: str) -> list[Frame]:
    """Panels in an order of ``ORDERS``: those of the same labels on one frame, in the order of the first of them."""
    alike: dict[tuple[str, ...], list[Panel]] = {}
    for panel in found:
        alike.setdefault(panel.names, []).append(panel)
    made = []
    for panels in alike.values():
        order, tree = _order(panels[0], how)
        made.append(Frame(tuple(panel.at(order) for panel in panels), tree))
    return made


def _order(panel: Panel, how: str) -> tuple[list[int], Tree | None]:
    if how == "given":
        return list(range(len(panel.names))), None
    if how == "name":
        return sorted(range(len(panel.names)), key=lambda row: panel.names[row].casefold()), None
    if how == "hierarchy":
        return by_anatomy(panel.names)
    made = clustering(panel.cosines)
    lines = list(zip(made.places, made.heights, strict=True))
    return made.order.tolist(), Tree(lines=lines, title="1 − cosine") if lines else None


def by_anatomy(names: Sequence[str]) -> tuple[list[int], Tree | None]:
    """The rows in the order of the label hierarchy (see :mod:`core.studies.hierarchy`), and its tree; labels that are
    not in it stand last, outside the tree."""
    paths = {row: path for row, name in enumerate(names) if (path := full_path(name)) is not None}
    branches = list(dict.fromkeys(path[0] for path in PLACES.values() if path))

    def place(row: int) -> tuple[int, Path]:
        path = paths[row]
        return branches.index(path[0]) if path[0] in branches else len(branches), path

    order = sorted(paths, key=place)
    rest = [row for row in range(len(names)) if row not in paths]
    lines: Lines = []
    if order:
        deepest = max(len(path) for path in paths.values())
        _branch([paths[row] for row in order], 0, 0, deepest, lines)
    return [*order, *rest], Tree(lines=lines, title="anatomy", measured=False) if lines else None


def _branch(paths: Sequence[Path], first: int, depth: int, deepest: int, lines: Lines) -> tuple[float, float]:
    """Draw what joins some neighbouring paths that are the same up to a depth; where the whole stands, and how high.

    Args:
        paths: of the rows from ``first`` on.
        first: their first row.
        depth: parts of the paths that are shared already.
        deepest: parts of the longest path of all.
        lines: what is drawn is added here.
    """
    if len(paths) == 1:
        return float(first), 0.0
    heads = [path[depth] if len(path) > depth else "" for path in paths]  # a branch that is a finding itself ends here
    if len(set(heads)) == 1:
        return _branch(paths, first, depth + 1, deepest, lines)
    starts = [at for at in range(len(heads)) if not at or heads[at] != heads[at - 1]]
    ends = [*starts[1:], len(heads)]
    parts = [_branch(paths[a:b], first + a, depth + 1, deepest, lines) for a, b in zip(starts, ends, strict=True)]
    high = float(deepest - depth)
    places, heights = (np.array(values) for values in zip(*parts, strict=True))
    lines += [([place, place], [height, high]) for place, height in parts]
    lines.append(([float(places.min()), float(places.max())], [high, high]))
    assert (heights < high).all(), "a branch stands above its parts"
    return float(places.mean()), high
