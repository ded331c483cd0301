"""Which split each radiograph goes into, decided when the pixels are known: identical pictures stay together too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.importing import ImportConfig
from core.studies.splits import groups_of, seeded_split
from core.studies.study import PREFIX, check_leaks, settled

COPY = "the same picture as one in another split"
BOTH = "train+val"
"""What a source says of radiographs that are still to be divided into training and validation."""

_KEEPS = {"test": 0, "val": 1, "train": 2, BOTH: 2}
"""Of identical pictures in two splits the one in the first of these stays."""


@dataclass(frozen=True)
class Arranger:
    """Splits by the rules of an import.

    Attributes:
        config: of the import.
        findings: names of the K findings.
        patient_of: the source's own name of each sample's patient, by sample id: salted names would make the split
            depend on the workspace.
    """

    config: ImportConfig
    findings: tuple[str, ...]
    patient_of: Mapping[str, str]

    def __call__(self, samples: pd.DataFrame, pixels: Sequence[str]) -> tuple[NDArray[np.object_], dict[int, str]]:
        """The split of each sample, and which are set aside because they are copies of others.

        Raises:
            StudyError: identical pictures lie in two given splits, and copies are to be refused.
        """
        given = samples["split"].to_numpy(object)
        config = self.config
        if config.split == "seeded" or (given == "").all():
            shares = {"val": config.val_fraction, "test": config.test_fraction}
            fractions = {"train": 1 - sum(shares.values()), **shares}
            return self._divided(samples, pixels, np.arange(len(samples)), fractions), {}
        if config.copies == "refuse":
            check_leaks(samples, pixels)
        aside = {row: COPY for row in _copies(given, pixels)}
        open_to_both = given == BOTH
        if not open_to_both.any() and "val" not in given:
            open_to_both = given == "train"
        rows = np.array([row for row in np.flatnonzero(open_to_both).tolist() if row not in aside], np.int64)
        fractions = {"train": 1 - config.val_fraction, "val": config.val_fraction}
        splits = np.where(given == BOTH, "train", given).astype(object)
        splits[rows] = self._divided(samples, pixels, rows, fractions)
        return splits, aside

    def _divided(
        self, samples: pd.DataFrame, pixels: Sequence[str], rows: NDArray[np.int64], fractions: Mapping[str, float]
    ) -> NDArray[np.object_]:
        own = samples.iloc[rows]
        stated = own[[PREFIX + name for name in self.findings]].to_numpy(np.float32)
        labels = settled(stated, self.findings, self.config.uncertain)
        groups = groups_of([self.patient_of[name] for name in own["id"]], [pixels[row] for row in rows.tolist()])
        return seeded_split(groups, labels, fractions=fractions, seed=self.config.seed)


def _copies(given: NDArray[np.object_], pixels: Sequence[str]) -> list[int]:
    """Rows whose picture also lies in a split that keeps it rather than theirs."""
    table = pd.DataFrame({"pixels": list(pixels), "rank": [_KEEPS[split] for split in given]})
    return np.flatnonzero(table["rank"] > table.groupby("pixels")["rank"].transform("min")).tolist()
