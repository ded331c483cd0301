"""Tables as people send them: any delimiter, encoding and kind of file become columns of text with row numbers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from core.errors import StudyError

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".csv.zip", ".parquet", ".xlsx")
DELIMITERS = ",\t;|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ROW = "row"
"""The column that is added: the row as a spreadsheet counts it, 1 being the header."""


def read_table(path: Path, wanted: Sequence[str] = ()) -> pd.DataFrame:
    """Read CSV, TSV (also compressed), Parquet or an Excel sheet (its first one).

    Args:
        path: of the file.
        wanted: columns that must be there.

    Returns:
        every column as text (missing cells as NaN), and ``row``.

    Raises:
        StudyError: no such kind of table, damaged, empty, or without a wanted column; names no path.
    """
    kind = "".join(path.suffixes[-2:]).lower()
    try:
        if kind.endswith(".parquet"):
            table = _as_text(pd.read_parquet(path))
        elif kind.endswith(".xlsx"):
            table = pd.read_excel(path, dtype=str)
        elif kind.endswith(SUFFIXES):
            table = _read_delimited(path)
        else:
            raise StudyError(
                f"A table may be {', '.join(SUFFIXES)}; this one is {path.suffix or 'without a suffix'!r}."
            )
    except (ValueError, BadZipFile, EOFError, OSError, KeyError, csv.Error) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(path), "the file")[:200]
        raise StudyError(
            f"The table ({path.suffix}) cannot be read ({reason}). Save it again as CSV in UTF-8."
        ) from error
    table.columns = [str(name).strip() for name in table.columns]
    if missing := [name for name in wanted if name not in table]:
        raise StudyError(f"The table lacks the columns {missing}; it has {list(table.columns)[:40]}.")
    table[ROW] = np.arange(2, len(table) + 2)
    return table


def _read_delimited(path: Path) -> pd.DataFrame:
    start = _first_bytes(path)
    encoding = encoding_of(start)
    delimiter = delimiter_of(start.decode(encoding, errors="ignore"))
    try:
        return _parsed(path, encoding, delimiter)
    except UnicodeDecodeError:  # the first bytes were plain, later ones are not
        return _parsed(path, "cp1252", delimiter)


def _parsed(path: Path, encoding: str, delimiter: str) -> pd.DataFrame:
    # index_col=False: a row with one cell too many must not move the whole table by one column
    return pd.read_csv(path, sep=delimiter, dtype=str, encoding=encoding, index_col=False, skipinitialspace=True)


def _first_bytes(path: Path, count: int = 65_536) -> bytes:
    opened = gzip.open if path.suffix == ".gz" else open
    if path.suffix == ".zip":
        import zipfile

        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as inner:
            return inner.read(count)
    with opened(path, "rb") as stream:
        return bytes(stream.read(count))


def encoding_of(start: bytes) -> str:
    """By its mark, else UTF-8 where that fits, else Western European (cp1252), which Excel writes."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a letter that is cut at the end is no error
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def delimiter_of(start: str) -> str:
    """The delimiter that cuts most of the first lines into the same number of cells, two or more."""
    lines = start.splitlines()[:50]
    whole = lines[:-1] or lines

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(io.StringIO("\n".join(whole)), delimiter=delimiter) if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    best = max(DELIMITERS, key=score)
    return best if score(best)[1] else ","


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they are written: 1.0 in a column of whole numbers is "1"."""

    def text(column: pd.Series) -> pd.Series:
        whole = pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all()
        if whole or pd.api.types.is_bool_dtype(column):
            column = column.astype("Int64")
        return column.astype("str").where(column.notna().to_numpy(), np.nan)

    return pd.DataFrame({name: text(table[name]) for name in table.columns})


class Problems:
    """Everything that is wrong with a table, for one report."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, what: str, rows: Iterable[int] = (), *, todo: str) -> None:
        """Note a problem.

        Args:
            what: the problem in words, with a count; no patients, no paths.
            rows: the table's rows that have it; the first ones are shown.
            todo: what to do about it.
        """
        listed = [str(row) for row in rows]
        shown = f" (rows {', '.join(listed[:5])}{' …' if len(listed) > 5 else ''})" if listed else ""
        self.lines.append(f"{what}{shown}: {todo}")

    def check(self) -> None:
        """Raise one StudyError that says it all, where there is something."""
        if self.lines:
            many = f"{len(self.lines)} problems" if len(self.lines) > 1 else "One problem"
            raise StudyError(
                "\n".join([f"{many} in the table; nothing was imported.", *(f"- {one}" for one in self.lines)])
            )
