"""Vectors in a table: a column of labels, and a column for each dimension (or one of lists)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import InputError
from core.studies.tables import ROW, read_table

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
SHOWN = 12

Vectors = NDArray[np.float64]


def vectors_of_table(path: Path, label_column: str = "") -> tuple[Vectors, tuple[str, ...] | None, tuple[str, ...]]:
    """The vectors (K, d), the K labels where a column holds some, and notices of what was left out.

    Args:
        path: of a table that :func:`core.studies.tables.read_table` reads.
        label_column: empty: the column that holds no numbers, if there is one.

    Raises:
        InputError: several columns could be the labels, or a cell is empty or no number (row and column are named).
        StudyError: the table cannot be read.
    """
    table = read_table(path, [label_column] if label_column else [])
    rows = table.pop(ROW)
    if table.empty:
        raise InputError("The table has no rows: it needs one for each label, and a column for each dimension.")
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in table}
    worded = [name for name in table if numbers[name].isna().all() and table[name].notna().any()]
    lists = [name for name in worded if name != label_column and _is_list(str(table[name].iloc[0]))]
    named = label_column or _label_column([name for name in worded if name not in lists])
    labels = None if not named else tuple(table[named].fillna("").astype(str))
    if len(lists) == 1:
        return _of_lists(table[lists[0]], rows), labels, (f"The vectors are the lists of column {lists[0]!r}.",)
    columns = [name for name in table if name != named]
    notices: tuple[str, ...] = ()
    if columns and _counts_rows(columns[0], numbers[columns[0]]):
        notices = (f"Column {columns[0]!r} only counts the rows: it was left out.",)
        columns = columns[1:]
    if not columns:
        raise InputError(f"The table has no column of numbers; its columns: {_listed(list(table))}.")
    vectors = np.stack([numbers[name].to_numpy(np.float64) for name in columns], axis=1)
    if len(holes := np.argwhere(np.isnan(vectors))):
        row, column = int(rows.iloc[holes[0][0]]), columns[holes[0][1]]
        raise InputError(
            f"Row {row}, column {column!r}: the cell is empty or no number ({len(holes):,} such cells). Every column "
            "but that of the labels must hold numbers throughout: fill the cell, or leave row or column out."
        )
    return vectors, labels, notices


def _label_column(worded: list[str]) -> str:
    if len(worded) > 1:
        raise InputError(
            f"Columns {_listed(worded)} hold words: say which one holds the labels (--label-column NAME), and leave "
            "the others out of the table."
        )
    return worded[0] if worded else ""


def _counts_rows(name: str, column: pd.Series) -> bool:
    """An index that a spreadsheet or pandas has saved as a column."""
    counted = column.to_numpy(np.float64)
    known = name.lower().startswith(("unnamed", "__index_level_")) or name.lower() in ("index", "id")
    return known and any(np.array_equal(counted, np.arange(first, first + len(counted))) for first in (0, 1))


def _is_list(cell: str) -> bool:
    return "|" in cell and all(_is_number(part) for part in cell.split("|"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_lists(cells: pd.Series, rows: pd.Series) -> Vectors:
    """A column of lists, as :func:`read_table` writes them: ``0.1|0.2``."""
    found: list[list[float]] = []
    for row, cell in zip(rows, cells.fillna("").astype(str), strict=True):
        if not _is_list(cell) or len(cell.split("|")) != len(str(cells.iloc[0]).split("|")):
            raise InputError(
                f"Row {row}, column {cells.name!r}: no list of numbers, or of another length than the first one."
            )
        found.append([float(part) for part in cell.split("|")])
    return np.array(found)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
