"""What is in a report."""

from __future__ import annotations

import streamlit as st

from core.report.folder import Report
from dashboard.cached.stamps import Stamp, stamp


def report_keys(report: Report) -> frozenset[str]:
    """Keys of the figures in a report."""
    return _report_keys(stamp(report.folder / "report.json"), report)


@st.cache_resource(max_entries=20, show_spinner=False)
def _report_keys(key: Stamp, _report: Report) -> frozenset[str]:
    return frozenset(one.key for one in _report.entries())
