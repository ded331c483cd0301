"""Pictures of a search, with their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.config.objective import ALL_LOSSES
from core.config.search import JUDGED, SearchConfig
from core.config.space import Value
from core.figures.search import Point, history, importance_bars, intermediate, slices
from core.figures.theme import LIGHT, Theme
from core.searches import Trial, best_of

TITLES = {
    "history": "Trials",
    "slices": "Where good settings lie",
    "importances": "What matters",
    "epochs": "How trials went",
}
HELP = {
    "history": "Each dot is a trial, the line the best so far. Open: pruned, at its last value.",
    "slices": "Each dot is a trial; the stronger its colour, the later. Open: pruned.",
    "importances": "Shares of what tells the best tenth of the trials (five at least) from all (PED-ANOVA, 2023).",
    "epochs": "One line a trial; grey ones were pruned where they end.",
}


def setting_names(paths: Sequence[str]) -> dict[str, str]:
    """A short name for each dotted path; paths whose names would be the same keep their own."""
    short = {path: _short(path) for path in paths}
    taken = list(short.values())
    return {path: name if taken.count(name) == 1 else path for path, name in short.items()}


def _short(path: str) -> str:
    group, _, name = path.rpartition(".")
    if group == "objective" and name in ALL_LOSSES:
        name += " weight"
    elif group not in ("objective", "training"):  # "kind" and "width" say little without what they are of
        name = f"{group.rpartition('.')[2]} {name}"
    return name.replace("_", " ").strip().capitalize()


def searched(value: Value) -> str:
    """A setting's value, short enough to be read."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def pictures(
    config: SearchConfig, trials: Sequence[Trial], importances: Mapping[str, Any], *, theme: Theme = LIGHT
) -> dict[str, tuple[go.Figure, str]]:
    """The figures of a search by their keys in ``TITLES``, each with its alternative text."""
    names = setting_names([one.path for one in config.space])
    points = [_point(one, names) for one in trials]
    best = best_of(list(trials), maximised=config.maximised)
    judged = JUDGED[config.judged].capitalize().replace("auroc", "AUROC")
    told = f"of {len(trials)} trials of the search {config.name}"
    log = [names[one.path] for one in config.space if one.kind == "log"]
    shares = {names.get(path, path): share for path, share in importances.get("values", {}).items()}
    return {
        "history": (
            history(points, maximised=config.maximised, y_title=judged, theme=theme),
            f"{judged} {told}, and the best so far",
        ),
        "slices": (
            slices(points, list(names.values()), logarithmic=log, y_title=judged, theme=theme),
            f"{judged} {told} against {', '.join(names.values())}",
        ),
        "importances": (
            importance_bars(
                shares, complete=importances.get("trials", 0), needed=importances.get("needed", 10), theme=theme
            ),
            f"Importance of {', '.join(shares) or 'the settings, not told yet,'} in the search {config.name}",
        ),
        "epochs": (
            intermediate(points, best=best.number if best else None, y_title=judged, theme=theme),
            f"{judged} at the end of each epoch {told}",
        ),
    }


def _point(trial: Trial, names: Mapping[str, str]) -> Point:
    return Point(
        number=trial.number,
        state=trial.state,
        value=trial.value,
        parameters={names.get(path, path): value for path, value in trial.parameters.items()},
        values=trial.values,
        run=trial.run,
    )
