"""What a run demands of its study, asked before the towers see a single radiograph."""

from __future__ import annotations

import numpy as np

from core.config.presets import PRESETS
from core.config.run import RunConfig
from core.errors import StudyError
from core.studies.captions import captions
from core.studies.study import Study, check_leaks


def check_study(config: RunConfig, study: Study) -> None:
    """Refuse a run whose head or losses find nothing in the study to work on.

    Raises:
        StudyError: what is lacking and which presets work instead; or a patient in two splits of a run that trains.
    """
    if lacking := _lacking(config, study):
        able = [name for name, make in PRESETS.items() if not _lacking(make(study.name, "lite"), study)]
        raise StudyError(f"Study {study.name!r} {lacking}. Presets that work on it: {', '.join(able)}.")
    if config.losses:
        check_leaks(study.samples)


def _lacking(config: RunConfig, study: Study) -> str | None:
    """The end of a sentence that begins with the study; None where it has all that is wanted."""
    if config.head.kind == "disease-tokens" and not study.findings:
        return "has no findings, and a head of kind 'disease-tokens' is made of one token for each"
    train = study.rows("train")
    if config.losses and not len(train):
        return "has no training split, so nothing can be trained on it"
    if "classification" in config.losses and np.isnan(study.labels[train]).all():
        what = "no known label in its training split" if study.findings else "no findings"
        return f"has {what}, and the classification loss learns from labels alone"
    if "orthogonal" in config.losses and not study.findings:
        return "has no findings, and the orthogonal loss parts the prompts of findings"
    soft = "contrastive" in config.losses and config.objective.contrastive_form == "soft-targets"
    if soft and np.isnan(study.labels[train]).all():
        return "has no known label in its training split, and soft targets are made from labels"
    of_texts = "contrastive" in config.losses and config.head.kind != "disease-tokens"
    return _few_texts(study, train.tolist()) if of_texts else None


def _few_texts(study: Study, train: list[int]) -> str | None:
    """The contrastive loss of images and texts asks which text is whose: of one alone there is nothing to ask."""
    texts = captions(study)
    distinct = {text for row in train if (text := texts[row]) is not None}
    if len(distinct) > 1:
        return None
    told = ", and the contrastive loss needs two different ones or more"
    if distinct:
        return "has one and the same text throughout its training split" + told
    return "has neither texts nor known findings to make them from in its training split" + told
