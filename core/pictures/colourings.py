"""Everything that the samples of a map can be coloured by."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import ConfigError
from core.figures.colouring import Colouring
from core.pictures.chart import Chart
from core.pictures.source import Source
from core.runs import Run
from core.studies.study import COLUMNS as OF_EVERY_STUDY
from core.studies.study import PREFIX, Study
from core.studies.vocabulary import display_name

OF_SAMPLES = ("split", "sex", "view", "age", "patient")
OF_MODELS = {"probability": "Probability of {}", "error": "Error on {}"}
OF_MAPS = {"trustworthiness": "Trustworthiness", "knn_recall": "Kept neighbours", "stability": "Stability"}
SHARES = (0.0, 1.0)


def colourings(study: Study) -> list[str]:
    """The keys of all of them, for any run of a study: labels, columns, what a model says, how far its map is true."""
    own = [str(name) for name in study.samples if name not in OF_EVERY_STUDY and not str(name).startswith(PREFIX)]
    models = [f"{kind}:{name}" for kind in OF_MODELS for name in study.findings]
    labels = ["findings", *study.findings] if study.findings else []
    return [*labels, *OF_SAMPLES, *own, *models, *(f"map:{name}" for name in OF_MAPS)]


def colour_name(key: str) -> str:
    """A key of :func:`colourings` as a user reads it."""
    kind, _, name = key.partition(":")
    if kind in OF_MODELS and name:
        return OF_MODELS[kind].format(display_name(name))
    if kind == "map" and name in OF_MAPS:
        return f"{OF_MAPS[name]} of the map"
    return display_name(key)


def colouring(source: Source, run: Run, study: Study, chart: Chart, by: str, rows: NDArray[np.int64]) -> Colouring:
    """Values (n,) of some rows of a study, of a key of :func:`colourings`.

    ``error`` is |label - probability|, unknown where the label is; what belongs to the map is unknown where it was
    not measured.

    Raises:
        ConfigError: nothing of that name.
    """
    if by not in colourings(study):
        raise ConfigError(f"The map cannot be coloured by {by!r}; it can by {', '.join(colourings(study))}.")
    if by == "findings":
        return Colouring(values=combinations(study, rows), kind="categorical", title="Findings")
    if by in study.findings:
        return Colouring(values=_labels(study, by, rows), kind="binary", title=display_name(by))
    kind, _, name = by.partition(":")
    if name and kind in OF_MODELS:
        values = source.predictions(run)[f"probability:{name}"].to_numpy(np.float32)[rows]
        if kind == "error":
            values = np.abs(_labels(study, name, rows) - values)
        return Colouring(values=values, kind="continuous", title=colour_name(by), limits=SHARES)
    if name and kind == "map":
        known = chart.per_point.get(name)
        values = np.full(len(rows), np.nan, np.float32) if known is None else known[rows]
        return Colouring(values=values, kind="continuous", title=OF_MAPS[name], limits=SHARES)
    return _of_column(study.samples[by], rows)


def _labels(study: Study, finding: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return study.labels[rows, study.findings.index(finding)]


def _of_column(values: pd.Series, rows: NDArray[np.int64]) -> Colouring:
    name = str(values.name)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        title = "Age (years)" if name == "age" else name.capitalize()
        return Colouring(values=values.to_numpy(np.float32)[rows], kind="continuous", title=title)
    return Colouring(values=values.iloc[rows].to_numpy(object), kind="categorical", title=name.capitalize())


def combinations(study: Study, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    """The one finding of each sample, "No finding" where all are known to be absent, "Several", or None (unknown)."""
    labels = study.labels[rows]
    present = labels == 1
    names = np.array([display_name(name) for name in study.findings], dtype=object)
    found = np.where(present.sum(axis=1) > 1, "Several", "No finding").astype(object)
    single = present.sum(axis=1) == 1
    found[single] = names[present[single].argmax(axis=1)]
    found[~present.any(axis=1) & np.isnan(labels).any(axis=1)] = None
    return found
