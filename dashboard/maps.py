"""Which map of each run is looked at: its own, one with other settings, or those of the moments of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core.pictures.chart import Chart
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection

KINDS = {"own": "Each run's own"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A run's map as it is shown.

    Attributes:
        run: whose.
        stem: its files in the run's folder of projections, see :func:`dashboard.cached.chart`.
        chart: the map, at the moment that is looked at.
        moments: all moments by their names, where it can be played; else empty.
    """

    run: Run
    stem: str
    chart: Chart
    moments: Mapping[str, Chart]

    @property
    def moment(self) -> int | None:
        """The number of the moment that is looked at."""
        return next((at for at, one in enumerate(self.moments.values()) if one is self.chart), None)


def choose(place: st.delta_generator.DeltaGenerator) -> str:
    """The widget that says which maps are shown: a key of ``KINDS``."""
    with place:
        return selection.one("Map", list(KINDS), name="map", format_func=KINDS.get)


def shown(run: Run, study: Study, kind: str) -> Shown | None:
    """The map of a run; None where it has no such map yet, which the page then says."""
    return Shown(run=run, stem="umap", chart=cached.chart(run, study), moments={})
