"""Where images find their texts and texts their images, once for each run."""

from __future__ import annotations

import streamlit as st

from core.metrics.comparison import PatientScores
from core.metrics.retrieval import Searched
from core.pictures import partners
from core.runs import Run
from core.studies.study import Study
from dashboard.cached.stamps import Stamp, stamp


def searched(run: Run, of: Study, *, whole: bool = False) -> Searched:
    """Retrieval among the judged pairs; see :meth:`core.pictures.source.Source.searched`."""
    return _searched(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, whole, run, of)


@st.cache_resource(max_entries=24, show_spinner="Looking for partners …")
def _searched(key: Stamp, fingerprint: str, whole: bool, _run: Run, _of: Study) -> Searched:
    from dashboard import cached  # this package, which is being imported when this file is

    return partners.searched_pairs(_run, _of, cached.pairs(_run, _of), whole=whole)


def pair_scores(run: Run, of: Study) -> PatientScores:
    """The gap and recall, and on resampled patients."""
    return _pair_scores(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, run, of)


@st.cache_resource(max_entries=200, show_spinner="Resampling test patients …")
def _pair_scores(key: Stamp, fingerprint: str, _run: Run, _of: Study) -> PatientScores:
    from dashboard import cached

    return partners.pair_scores(_of, cached.pairs(_run, _of), searched(_run, _of))
