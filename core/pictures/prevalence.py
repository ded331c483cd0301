"""A selection of radiographs as a picture: which findings does it have more, or less, of than the rest?"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.prevalence import selection_prevalence
from core.figures.theme import LIGHT, Theme
from core.metrics.prevalence import Enrichment
from core.studies.study import Study
from core.studies.vocabulary import display_name


def against_rest(study: Study, found: Sequence[Enrichment], *, theme: Theme = LIGHT) -> go.Figure:
    """The difference of every finding's prevalence, with its 95 % interval; ``found`` in the order of the findings."""
    return selection_prevalence(
        [display_name(name) for name in study.findings],
        [one.difference for one in found],
        [one.low for one in found],
        [one.high for one in found],
        beyond=[one.beyond_chance for one in found],
        words=[in_words(one) for one in found],
        theme=theme,
    )


def in_words(one: Enrichment) -> str:
    """``12 of 40 (30.0 %), in the rest 150 of 1,160 (12.9 %)``"""
    return f"{_share(one.present, one.known)}, in the rest {_share(one.rest_present, one.rest_known)}"


def _share(present: int, known: int) -> str:
    return f"{present:,} of {known:,} ({present / known:.1%})" if known else "not known"
