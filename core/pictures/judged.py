"""What a run calls present on the test split, at thresholds from the validation split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.cards.thresholds import brought_thresholds
from core.metrics.cutting import Cut
from core.metrics.thresholds import Confusion, Threshold, confusion
from core.runs import Run
from core.studies.study import Study


@dataclass(frozen=True)
class Told:
    """Labels and probabilities (n, K) of a split, and the rows of its radiographs in the study."""

    labels: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Test labels and probabilities (n, K) of a run, their rows in the study, and one threshold per finding."""

    labels: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    rows: NDArray[np.int64]
    thresholds: list[Threshold]

    def called(self, at: int) -> NDArray[np.bool_]:
        """(n,) whether finding ``at`` is called present."""
        return np.asarray(self.probabilities[:, at] >= self.thresholds[at].value)

    def confusion(self, at: int) -> Confusion:
        """The counts of finding ``at``."""
        return confusion(self.labels[:, at], self.probabilities[:, at], self.thresholds[at].value)


def told(predictions: pd.DataFrame, study: Study, split: str) -> Told:
    """What a run says of a split."""
    rows = study.rows(split)
    found = predictions[[f"probability:{name}" for name in study.findings]].to_numpy(np.float64)[rows]
    # by columns: each finding is looked at by itself
    return Told(np.asfortranarray(study.labels[rows]), np.asfortranarray(found), rows)


def thresholds(run: Run, predictions: pd.DataFrame, study: Study, cut: Cut) -> list[Threshold]:
    """A threshold for each finding, from the validation split; of a run of a model folder on a study without one, those
    that its card brought, where the rule would have chosen on validation."""
    val = told(predictions, study, "val")
    chosen = cut.choose(study.findings, val.labels, val.probabilities)
    if cut.rule in ("fixed", "value"):
        return chosen
    brought = brought_thresholds(run.config, study)
    return [
        one if one.rule == "own" else brought.get(name, one) for name, one in zip(study.findings, chosen, strict=True)
    ]
