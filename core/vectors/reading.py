"""Vectors and their labels from a file: which of its arrays they are, and in what shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors.formats import READERS, check_size, read_arrays
from core.vectors.tabular import SUFFIXES as TABLES
from core.vectors.tabular import vectors_of_table

SUFFIXES = (*READERS, *TABLES)
"""The files that embeddings may come in."""

SHOWN = 12
"""So many names stand in a message."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file holds.

    Attributes:
        vectors: (K, d) of the file's own kind of number, as they are.
        labels: K names where the file gives some, else None.
        notices: what was done to bring them into this form, in sentences.
    """

    vectors: NDArray[Any]
    labels: tuple[str, ...] | None = None
    notices: tuple[str, ...] = ()


def read_vectors(path: Path, *, array: str = "", label_column: str = "") -> Found:
    """Read vectors, and their labels where the file has some.

    Args:
        path: ends in one of ``SUFFIXES``.
        array: which array or tensor, where the file holds several.
        label_column: of a table, which column holds the labels; empty: the one that holds no numbers.

    Raises:
        InputError, StudyError: no such kind of file, damaged, too large, with pickled objects or code in it, or
            without vectors of the shape (K, d); says what is there, what is allowed and what to do; names no path.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"Embeddings may come as {', '.join(SUFFIXES)}; this file ends in {suffix or 'nothing'!r}.")
    of_table = suffix in TABLES
    if wrong := (array if of_table else label_column):
        option = "array" if of_table else "label_column"
        raise InputError(f"{option} is {wrong[:80]!r}, but a {suffix} file has none: leave it away.")
    if of_table:
        check_size(path)
        vectors, labels, notices = vectors_of_table(path, label_column)
        return Found(vectors=vectors, labels=labels, notices=notices)
    held = read_arrays(path)
    if isinstance(held, Mapping):
        return of_arrays(held, array)
    if array:
        raise InputError(f"array is {array[:80]!r}, but the file holds one array, without a name: leave it away.")
    vectors, notices = _matrix("The file", held)
    return Found(vectors=vectors, notices=notices)


def of_arrays(held: Mapping[str, Any], array: str = "") -> Found:
    """One matrix (K, d), beside it a list of K labels perhaps; or K vectors under names, which are then the labels.

    Raises:
        InputError: several matrices and none is chosen, or nothing that has such a form.
    """
    numbers = {name: one for name, one in held.items() if isinstance(one, np.ndarray) and one.dtype.kind in "fiu"}
    if array and array not in numbers:
        raise InputError(f"The file has no numbers under {array[:80]!r}; it holds {_listed(held)}.")
    matrices = [array] if array else [name for name, one in numbers.items() if one.ndim > 1 and len(one) != 1]
    if not matrices and len(numbers) == 1:
        matrices = [name for name, one in numbers.items() if one.ndim > 1]  # a single row
    if len(matrices) > 1:
        raise InputError(f"The file holds {_listed(held)}: say which one, by its name (--array NAME).")
    if matrices:
        vectors, notices = _matrix(f"{matrices[0][:80]!r}", numbers[matrices[0]])
        return Found(vectors=vectors, labels=_labels_beside(held, len(vectors)), notices=notices)
    rows = [one.ravel() for one in numbers.values()]
    if not rows or len({len(row) for row in rows}) > 1 or not rows[0].size or len(numbers) < len(held):
        raise InputError(
            f"The file holds {_listed(held) or 'nothing'}. It may hold one array of the shape (K, d), or one vector "
            "under the name of each label, all of one width."
        )
    return Found(vectors=np.stack(rows), labels=tuple(numbers))


def _labels_beside(held: Mapping[str, Any], count: int) -> tuple[str, ...] | None:
    """The one list of K texts that lies beside a matrix."""
    lists = [one for one in held.values() if _is_text(one) and len(one) == count]
    return tuple(str(text) for text in lists[0]) if len(lists) == 1 else None


def _is_text(one: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.ndim == 1 and one.dtype.kind == "U"
    return isinstance(one, (list, tuple)) and bool(one) and all(isinstance(text, str) for text in one)


def _matrix(what: str, array: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """An array as (K, d), and a notice where (K, 1, d) was brought into that form."""
    if array.dtype.kind not in "fiu":
        raise InputError(f"{what} holds {array.dtype}; vectors are made of whole or floating-point numbers.")
    notices: tuple[str, ...] = ()
    if array.ndim == 3 and array.shape[1] == 1:
        notices = (f"The shape {array.shape} was read as {(array.shape[0], array.shape[2])}.",)
        array = array[:, 0]
    if array.ndim != 2 or not array.size:
        raise InputError(
            f"{what} has the shape {array.shape}; it must be (K, d) or (K, 1, d), a row of d numbers for each of K "
            "labels, K and d 1 or more."
        )
    return array, notices


def _listed(held: Mapping[str, Any]) -> str:
    shown = [f"{name[:40]!r} {_shape(one)}" for name, one in list(held.items())[:SHOWN]]
    return ", ".join(shown) + (f" and {len(held) - SHOWN} more" if len(held) > SHOWN else "")


def _shape(one: Any) -> str:
    return f"{one.dtype} {one.shape}" if isinstance(one, np.ndarray) else f"({type(one).__name__})"
