"""Scores of runs on the test split that take a moment: bands, differences between models, gaps, calibration."""

from __future__ import annotations

import streamlit as st

from core.metrics.delong import AurocDifference
from core.metrics.operating import Bands
from core.metrics.recalibration import Recalibration
from core.metrics.subgroups import Gaps
from core.pictures import scoring
from core.runs import Run
from core.studies.study import Study
from dashboard.cached.predicted import judged
from dashboard.cached.stamps import Stamp, stamp

Key = tuple[Stamp, str, tuple[str, ...]]


def _key(run: Run, study: Study) -> Key:
    return stamp(run.folder / "embeddings" / "embeddings.json"), study.fingerprint, study.findings


def bands(run: Run, study: Study, at: int) -> Bands:
    """Bands of the ROC and precision-recall curve of finding ``at``."""
    return _bands(_key(run, study), at, run, study)


@st.cache_resource(max_entries=200, show_spinner="Resampling test patients …")
def _bands(key: Key, at: int, _run: Run, _of: Study) -> Bands:
    return scoring.bands_of(judged(_run, _of, scoring.PLAIN), _of, at)


def auroc_differences(first: Run, second: Run, study: Study) -> list[AurocDifference]:
    """AUROC of each finding on the test split, first minus second."""
    return _auroc_differences(_key(first, study), _key(second, study), first, second, study)


@st.cache_resource(max_entries=100, show_spinner=False)
def _auroc_differences(key: Key, other: Key, _first: Run, _second: Run, _of: Study) -> list[AurocDifference]:
    one, other = (judged(run, _of, scoring.PLAIN) for run in (_first, _second))
    return scoring.differences_of(one, other, _of)


def gaps(run: Run, study: Study, by: str) -> Gaps:
    """Gaps between subgroups of the test patients by ``sex``, ``age`` or ``view``."""
    return _gaps(_key(run, study), by, run, study)


@st.cache_resource(max_entries=100, show_spinner=False)
def _gaps(key: Key, by: str, _run: Run, _of: Study) -> Gaps:
    return scoring.gaps_of(judged(_run, _of, scoring.CHEXCLUSION), _of, by)


def recalibrations(run: Run, study: Study) -> list[Recalibration]:
    """Slope and intercept of calibration of each finding on the test split."""
    return _recalibrations(_key(run, study), run, study)


@st.cache_resource(max_entries=100, show_spinner=False)
def _recalibrations(key: Key, _run: Run, _of: Study) -> list[Recalibration]:
    return scoring.recalibrations_of(judged(_run, _of, scoring.PLAIN), _of)
