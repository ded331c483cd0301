"""Which thresholds a run of a model folder is judged by: its study's validation split chooses; without one, the card's
are used as they are."""

from __future__ import annotations

import dataclasses

from core.cards.keeping import is_model, kept
from core.config.run import RunConfig
from core.metrics.thresholds import Threshold
from core.studies.study import Study

OF_CARD = "of the model card, chosen on validation where the model was made"


def brought_thresholds(config: RunConfig, study: Study) -> dict[str, Threshold]:
    """The card's thresholds by finding, each with a note that says so; none where the study has a validation split,
    the run is not of a model folder, or it went on to train (other weights want other thresholds).

    Raises:
        ArtefactError: the kept model is gone, or was altered.
    """
    if not is_model(config.start_from) or config.losses or len(study.rows("val")):
        return {}
    return {name: _noted(own) for name, own in kept(config.start_from).thresholds.items() if name in study.findings}


def _noted(own: Threshold) -> Threshold:
    return dataclasses.replace(own, note=f"{OF_CARD}; {own.note}" if own.note else OF_CARD)
