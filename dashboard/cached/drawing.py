"""Patients that were drawn once are not drawn again."""

from __future__ import annotations

import streamlit as st

from core.metrics.rates import Draws
from core.pictures.source import test_draws
from core.studies.study import Study


def draws(of: Study) -> Draws:
    """Test patients of a study drawn again and again."""
    return _draws(of.fingerprint, of)


@st.cache_resource(max_entries=2, show_spinner="Drawing test patients …")  # 23 MB each for 5,840 patients
def _draws(fingerprint: str, _of: Study) -> Draws:
    found = test_draws(_of)
    found.patient.setflags(write=False)
    found.times.setflags(write=False)
    return found
