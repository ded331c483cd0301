"""The validation values of a run, read as its metrics are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.config.run import RunConfig
from core.config.search import Judged
from core.logbook import Tail, read_metrics


class ValidationTail:
    """What is new at the end of a ``metrics.jsonl``, without reading all of it at every look."""

    def __init__(self, path: Path, judged: Judged) -> None:
        self.tail, self.judged = Tail(path), judged

    def new(self) -> list[tuple[int, float]]:
        """(epoch, value) of the epochs that ended since the last call; a log that was begun anew is read anew."""
        _, lines = self.tail.new()
        rows = [json.loads(line) for line in lines if b'"validation"' in line]
        return [found for row in rows if (found := _judged(row, self.judged)) is not None]


def _judged(row: dict[str, Any], judged: Judged) -> tuple[int, float] | None:
    value = row.get("validation", {}).get(judged)
    return None if value is None else (round(row["epoch"]), float(value))


def kept_value(path: Path, config: RunConfig, judged: Judged) -> float | None:
    """What the weights that a run keeps are worth on validation; None where validation has nothing to say.

    Args:
        path: its ``metrics.jsonl``.
        config: says which weights are kept: the last, or those of the best epoch by AUROC (by loss without it).
        judged: ``auroc`` or ``loss``.
    """
    epochs = [row["validation"] for row in read_metrics(path) if row.get("validation")]
    if not epochs:
        return None
    kept = epochs[-1]
    if config.training.keep == "best":
        by_auroc = [row for row in epochs if "auroc" in row]
        # of equal epochs the later one is kept, as in training
        kept = (
            max(reversed(by_auroc), key=lambda row: row["auroc"])
            if by_auroc
            else min(reversed([row for row in epochs if "loss" in row] or epochs), key=lambda row: row.get("loss", 0.0))
        )
    return None if judged not in kept else float(kept[judged])
