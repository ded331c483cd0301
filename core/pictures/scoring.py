"""Scores of runs on the test split that take a moment to compute: what a source keeps."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from core.metrics.cutting import Cut
from core.metrics.delong import AurocDifference, auroc_differences
from core.metrics.operating import Bands, bands
from core.metrics.recalibration import Recalibration, recalibration
from core.metrics.subgroups import AGE_NAMES, Gaps, age_group, gaps
from core.pictures.judged import Judged
from core.studies.study import Study

PLAIN = Cut.read("fixed")
"""Where no threshold matters."""
CHEXCLUSION = Cut.read("f1")
"""Thresholds of the gaps between subgroups, as in CheXclusion: best F1 on validation."""
ATTRIBUTES = {"sex": "Sex", "age": "Age", "view": "View"}
SEXES = {"F": "female", "M": "male"}
MOST_VIEWS = 6


@dataclasses.dataclass(frozen=True)
class People:
    """The subgroup of each test radiograph (n,), -1 where it is not known, and the G subgroups' names."""

    group: NDArray[np.int64]
    names: tuple[str, ...]


def patients_of(study: Study) -> NDArray[np.object_]:
    """The patient of each test radiograph (n,)."""
    return np.asarray(study.samples["patient"].to_numpy()[study.rows("test")])


def people(study: Study, by: str) -> People:
    """Subgroups of the test radiographs by ``sex``, ``age`` (CheXclusion's groups) or ``view`` (the most frequent six);
    those that nobody is in are left out."""
    names: tuple[str, ...]
    column = study.samples[by].iloc[study.rows("test")]
    if by == "age":
        number, names = age_group(column.to_numpy(np.float64, na_value=np.nan)), AGE_NAMES
    else:
        values = column.astype("string").fillna("").to_numpy(object)
        known = column.dropna().astype(str)
        counts = known[known != ""].value_counts().sort_index()  # by name where equally frequent
        frequent = list(counts.sort_values(ascending=False, kind="stable").index)
        keys = [key for key in SEXES if key in frequent] if by == "sex" else frequent[:MOST_VIEWS]
        number = np.full(len(values), -1, np.int64)
        for at, key in enumerate(keys):
            number[values == key] = at
        names = tuple(SEXES[key] for key in keys) if by == "sex" else tuple(keys)
    held = [at for at in range(len(names)) if (number == at).any()]
    again = np.append(np.full(len(names), -1), -1)
    again[held] = np.arange(len(held))
    return People(again[number], tuple(names[at] for at in held))


def bands_of(judged: Judged, study: Study, at: int) -> Bands:
    """Bands of the curves of finding ``at``."""
    return bands(judged.labels[:, at], judged.probabilities[:, at], patients_of(study))


def differences_of(first: Judged, second: Judged, study: Study) -> list[AurocDifference]:
    """AUROC of each finding, first minus second."""
    return auroc_differences(first.labels, first.probabilities, second.probabilities, patients_of(study))


def gaps_of(judged: Judged, study: Study, by: str) -> Gaps:
    """Subgroups by ``sex``, ``age`` or ``view``."""
    found = people(study, by)
    levels = [threshold.value for threshold in judged.thresholds]
    return gaps(judged.labels, judged.probabilities, levels, patients_of(study), found.group, found.names)


def recalibrations_of(judged: Judged, study: Study) -> list[Recalibration]:
    """Slope and intercept of each finding."""
    patients = patients_of(study)
    pairs = zip(judged.labels.T, judged.probabilities.T, strict=True)
    return [recalibration(labels, probabilities, patients) for labels, probabilities in pairs]
