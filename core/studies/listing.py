"""Listing: what a source found in a folder, before any picture is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.studies.folder import Folder

FACTS = ("file", "row", "patient", "split", "text", "age", "sex", "view")
"""Columns of every listing, beside ``finding:*`` and what else a source wants to keep."""


def no_boxes() -> pd.DataFrame:
    """A table of boxes without rows."""
    return pd.DataFrame(
        {
            "file": pd.Series(dtype="str"),
            "finding": pd.Series(dtype="str"),
            **{name: pd.Series(dtype="float32") for name in ("x", "y", "width", "height")},
        }
    )


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One row per radiograph that can be imported.

    Attributes:
        title: of the dataset, for lists.
        folder: where its files lie.
        findings: names of the K findings (K may be 0).
        samples: columns ``file`` (relative path, different in every row), ``row`` (line of the table; its header is
            line 1), ``patient`` (the source's own name; empty: it names none), ``split`` (``train``, ``val``,
            ``test``, ``train+val`` for what has to be divided by patient, or empty in all rows: no split is given),
            ``text`` (str or None), ``age`` (years, NaN unknown), ``sex`` (``M``, ``F`` or None), ``view`` (str or
            None), ``finding:NAME`` (1 present, 0 absent, -1 uncertain, NaN unknown). Further columns are kept.
        set_aside: rows that cannot be imported: ``row``, ``file`` (as the table has it), ``reason``.
        notes: what a reader has to know of labels, splits and patients; no paths, no patients.
        boxes: where findings were marked: ``file``, ``finding``, ``x``, ``y``, ``width``, ``height``, as shares
            of the picture's width and height.
    """

    title: str
    folder: Folder
    findings: tuple[str, ...]
    samples: pd.DataFrame
    set_aside: pd.DataFrame
    notes: list[str]
    boxes: pd.DataFrame = field(default_factory=no_boxes)


def column(values: Any, count: int) -> pd.Series:
    """An object column of str or None: NaN and empty text become None; a single value fills all rows."""
    series = pd.Series(values if isinstance(values, (pd.Series, np.ndarray, list)) else [values] * count)
    series = series.reset_index(drop=True).astype(object)
    return series.where(series.notna() & (series.astype(str).str.strip() != ""), None)


def part(
    table: pd.DataFrame, names: Sequence[object], reasons: NDArray[np.object_]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a table with a ``row`` column into the rows without a reason and the list of those set aside."""
    aside = reasons != ""
    listed = pd.DataFrame(
        {
            "row": table["row"].to_numpy()[aside],
            "file": ["" if pd.isna(name) else str(name) for name, out in zip(names, aside, strict=True) if out],
            "reason": reasons[aside],
        }
    )
    return table[~aside].reset_index(drop=True), listed


_SEXES = {**dict.fromkeys(("m", "male", "man", "boy"), "M"), **dict.fromkeys(("f", "female", "woman", "girl"), "F")}


def sexes(values: pd.Series) -> pd.Series:
    """``M`` or ``F`` from how tables write it (Male, female, m, f); None for anything else ("Missing", "1")."""
    found = values.astype("str").str.strip().str.lower().map(_SEXES).astype(object)
    return found.where(found.notna(), None)


MAX_AGE = 120
"""Published tables have ages up to 414 (slips of the pen); beyond this an age counts as unknown."""

_AGE = r"^\s*(\d+(?:[.,]\d+)?)\s*((?:y(?:ears?|rs?|o)?|m(?:onths?|os?)?|w(?:eeks?|ks?)?|d(?:ays?)?)?)\.?\s*$"


def ages(values: pd.Series) -> pd.Series:
    """Ages in years, float32, from numbers ("58", "58,5"), words ("58 years") or DICOM age strings ("058Y", "011M",
    "001D"); NaN where it is not one."""
    codes, different = pd.factorize(values.astype("str"), use_na_sentinel=False)  # there are few ages
    return _years(pd.Series(different, dtype="str")).iloc[codes].reset_index(drop=True)


def _years(values: pd.Series) -> pd.Series:
    stated = values.str.lower().str.extract(_AGE)
    unit = stated[1].str[:1].map({"": 1.0, "y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25})
    years = pd.to_numeric(stated[0].str.replace(",", "."), errors="coerce") * unit
    return years.where(years <= MAX_AGE).astype(np.float32)
