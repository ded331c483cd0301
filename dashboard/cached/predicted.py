"""What runs say of radiographs, what they call present at a threshold, and patients that are drawn."""

from __future__ import annotations

import dataclasses

import pandas as pd
import streamlit as st

from core.metrics.cutting import Cut
from core.metrics.rates import Draws
from core.metrics.thresholds import Threshold
from core.pictures import judged as judging
from core.pictures.judged import Judged, Told
from core.pictures.source import test_draws
from core.runs import Run
from core.studies.study import Study
from dashboard.cached.stamps import Stamp, stamp


def predictions(run: Run) -> pd.DataFrame:
    """One row per sample, see :meth:`Run.predictions`."""
    return _predictions(_key(run), run)


def _key(run: Run) -> Stamp:
    return stamp(run.folder / "embeddings" / "embeddings.json")


@st.cache_resource(max_entries=12, show_spinner=False)
def _predictions(key: Stamp, _run: Run) -> pd.DataFrame:
    return _run.predictions()


def judged(run: Run, study: Study, cut: Cut) -> Judged:
    """What a run calls present on the test split; single findings' own thresholds are put in place here, so that a
    slider looks up what is there already."""
    told, whole = _told(_key(run), study.fingerprint, study.findings, run, study), dataclasses.replace(cut, own=())
    chosen = list(_thresholds(_key(run), study.fingerprint, study.findings, whole.words, run, study))
    for name, value in cut.own:
        if name in study.findings:
            chosen[study.findings.index(name)] = Threshold(value=value, rule="own")
    return Judged(told.labels, told.probabilities, told.rows, chosen)


@st.cache_resource(max_entries=12, show_spinner=False)  # 4 MB each for 22,051 radiographs
def _told(key: Stamp, fingerprint: str, findings: tuple[str, ...], _run: Run, _of: Study) -> Told:
    found = judging.told(predictions(_run), _of, "test")
    for part in (found.labels, found.probabilities, found.rows):
        part.setflags(write=False)
    return found


@st.cache_resource(max_entries=500, show_spinner=False)
def _thresholds(
    key: Stamp, fingerprint: str, findings: tuple[str, ...], rule: str, _run: Run, _of: Study
) -> list[Threshold]:
    return judging.thresholds(_run, predictions(_run), _of, Cut.read(rule))


def draws(of: Study) -> Draws:
    """Test patients of a study drawn again and again."""
    return _draws(of.fingerprint, of)


@st.cache_resource(max_entries=2, show_spinner="Drawing test patients …")  # 23 MB each for 5,840 patients
def _draws(fingerprint: str, _of: Study) -> Draws:
    found = test_draws(_of)
    found.patient.setflags(write=False)
    found.times.setflags(write=False)
    return found
