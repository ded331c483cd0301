"""Pieces of Markdown that hold words of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def escaped(text: str) -> str:
    """A user's text as Markdown that shows it letter by letter, on one line."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+!|<>~$&" else letter for letter in " ".join(text.split()))


def bullets(*lines: str) -> list[str]:
    return [f"- {line}" for line in lines]


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_interval(found: dict[str, Any]) -> str:
    """A value and the ends of its 95 % interval."""
    if found["value"] is None:
        return "–"
    return f"{found['value']:.3f} ({number(found['low'])} to {number(found['high'])})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
