"""What a run demands of its study, asked before the towers see a single radiograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.config.presets import PRESETS
from core.config.run import RunConfig
from core.config.search import SearchConfig
from core.errors import StudyError
from core.runs import Run
from core.studies.captions import captions
from core.studies.hierarchy import PLACES, path_similarity
from core.studies.study import Study, check_leaks, study_names


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


def new_run(config: RunConfig, run_id: str | None = None) -> Run:
    """Make a run when its study has what it demands (the demo builds itself where it is missing); nothing is started.

    Args:
        config, run_id: see :meth:`Run.create`.

    Raises:
        ConfigError, StudyError: it cannot work; no folder is left behind.
    """
    config.check()
    if config.study != "demo" or "demo" in study_names():
        check_study(config, Study.load(config.study))
    return Run.create(config, run_id)


def check_search(config: SearchConfig) -> None:
    """Refuse a search whose trials could not be told apart on the study's validation split.

    Raises:
        ConfigError, StudyError: its runs could not work, or validation has not what they are judged by.
    """
    if config.base.study == "demo" and "demo" not in study_names():
        return  # it builds itself, with all that is wanted
    study = Study.load(config.base.study)
    check_study(config.base, study)
    labels = study.labels[study.rows("val")]
    if not len(labels):
        raise StudyError(f"Study {study.name!r} has no validation split, so trials of a search cannot be judged on it.")
    if config.judged == "auroc" and not ((labels == 0).any(0) & (labels == 1).any(0)).any():
        raise StudyError(
            f"Study {study.name!r} has no finding with both classes in validation, so there is no AUROC to judge "
            "trials by: judge them by 'loss'."
        )


def _lacking(config: RunConfig, study: Study) -> str | None:
    """The end of a sentence that begins with the study; None where it has all that is wanted."""
    if config.head.kind == "disease-tokens" and not study.findings:
        return "has no findings, and a head of kind 'disease-tokens' is made of one token for each"
    train = study.rows("train")
    if config.losses and not len(train):
        return "has no training split, so nothing can be trained on it"
    if lacking := _lacking_findings(config, study, train):
        return lacking
    of_texts = [loss for loss in ("contrastive", "alignment") if loss in config.losses]
    captioned = of_texts and config.head.kind != "disease-tokens"
    return _few_texts(study, train.tolist(), of_texts[0]) if captioned else None


def _lacking_findings(config: RunConfig, study: Study, train: NDArray[np.int64]) -> str | None:
    soft = "contrastive" in config.losses and config.objective.contrastive_form == "soft-targets"
    of_labels = [loss for loss in ("classification", "supervised") if loss in config.losses]
    if (of_labels or soft) and np.isnan(study.labels[train]).all():
        what = "no known label in its training split" if study.findings else "no findings"
        loss = of_labels[0] if of_labels else "contrastive"
        return f"has {what}, and the {loss} loss{'' if of_labels else ' with soft targets'} learns from labels alone"
    if "graph" in config.losses and path_similarity(study.findings) is None:
        unknown = ", ".join(finding for finding in study.findings if finding not in PLACES)
        return f"has findings that are not in the tree of findings ({unknown}), and the graph loss needs their places"
    if "orthogonal" in config.losses and not study.findings:
        return "has no findings, and the orthogonal loss parts the prompts of findings"
    return None


def _few_texts(study: Study, train: list[int], loss: str) -> str | None:
    """Losses of images and texts ask which text is whose, or how texts lie: of one alone there is nothing to ask."""
    distinct: set[str] = set()
    for text in captions(study, train):
        distinct |= {text} if text is not None else set()
        if len(distinct) > 1:  # mostly the second one: the others need not be made
            return None
    told = f", and the {loss} loss needs two different ones or more"
    if distinct:
        return "has one and the same text throughout its training split" + told
    return "has neither texts nor known findings to make them from in its training split" + told
