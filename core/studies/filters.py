"""Which radiographs of a study have what is looked for: one condition per column, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.studies.study import PREFIX, Study
from core.studies.vocabulary import STATES, UNKNOWN

Kind = Literal["finding", "category", "number", "words"]

MOST_CATEGORIES = 40
_SHOWN_FIRST = ("split", "view", "sex", "age", "text")


def columns(study: Study) -> dict[str, Kind]:
    """The columns that a condition can be put on: findings by their name, then what else the table holds."""
    table = study.samples
    found: dict[str, Kind] = {PREFIX + name: "finding" for name in study.findings}
    others = [name for name in table if not str(name).startswith(PREFIX)]
    for name in sorted(others, key=lambda one: (_SHOWN_FIRST.index(one) if one in _SHOWN_FIRST else 9, one)):
        if table[name].notna().any():
            found[str(name)] = _kind(str(name), table[name])
    return found


def _kind(name: str, values: pd.Series) -> Kind:
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    if name in ("id", "patient", "text") or values.nunique() > MOST_CATEGORIES:
        return "words"
    return "category"


def categories(study: Study, name: str) -> list[str]:
    """The values of a column of categories, the most frequent first; ``unknown`` where cells are empty."""
    values = study.samples[name]
    return [*map(str, values.value_counts().index), *([UNKNOWN] if values.isna().any() else [])]


def bounds(study: Study, name: str) -> tuple[float, float]:
    """Least and greatest value of a column of numbers."""
    values = study.samples[name]
    return float(values.min()), float(values.max())


def matching(study: Study, conditions: Mapping[str, Any]) -> NDArray[np.int64]:
    """Positions of the samples that fulfil all conditions, in the order of their source.

    Args:
        conditions: by column. A finding: names of ``vocabulary.STATES``. A category: values, ``unknown`` among them.
            Numbers: (low, high), both included; empty cells do not match. Words: text that the cell contains, in any
            case. An empty condition lets all through.
    """
    fits = np.ones(len(study), bool)
    kinds = columns(study) if conditions else {}
    for name, wanted in conditions.items():
        if name in kinds and wanted:
            fits &= _fits(study, name, kinds[name], wanted)
    rows = np.flatnonzero(fits)
    order = study.samples["row"].to_numpy()[rows] if "row" in study.samples else rows
    return rows[np.argsort(order, kind="stable")]


def _fits(study: Study, name: str, kind: Kind, wanted: Any) -> NDArray[np.bool_]:
    values = study.samples[name]
    if kind == "finding":
        return _stated(values.to_numpy(np.float32), wanted)
    if kind == "category":
        return (values.isin(list(wanted)) | (values.isna() & (UNKNOWN in wanted))).to_numpy(bool)
    if kind == "number":
        return values.between(*wanted).to_numpy(bool)
    found: NDArray[np.bool_] = values.str.contains(str(wanted), case=False, regex=False, na=False).to_numpy(bool)
    return found


def _stated(values: NDArray[np.float32], wanted: Sequence[str]) -> NDArray[np.bool_]:
    fits = np.zeros(len(values), bool)
    for state in wanted:
        fits |= np.isnan(values) if state == UNKNOWN else values == STATES[state]
    return fits
