"""What a run demands of its study, asked before the towers see a single radiograph."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.cards.keeping import is_model, source_of
from core.cards.origins import Origins, here, origins_of
from core.cards.reading import Model
from core.config.encoders import EncoderConfig
from core.config.presets import PRESETS
from core.config.run import RunConfig
from core.config.search import SearchConfig
from core.errors import ClusterError, ConfigError, RunError, StudyError
from core.mirrors import check_mirrors
from core.runs import Run
from core.studies.captions import captions
from core.studies.hierarchy import PLACES, path_similarity
from core.studies.study import Study, check_leaks, study_names


def check_study(config: RunConfig, study: Study) -> None:
    """Refuse a run whose head or losses find nothing in the study to work on.

    Raises:
        StudyError: what is lacking and which presets work instead; or a patient in two splits of a run that trains.
    """
    study = study.asked_for(config.findings)
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
    check_mirrors(config.mirrors)
    if study := wanted_study(config.study):
        check_study(config, study)
        if config.start_from:
            _check_strangers(config.start_from, study)
    return Run.create(config, run_id)


@contextlib.contextmanager
def launching(run: Run) -> Iterator[None]:
    """Around the start of a new run: one that is refused, by a cluster or before that, leaves nothing behind."""
    try:
        yield
    except (ClusterError, ConfigError):
        shutil.rmtree(run.folder, ignore_errors=True)
        raise


def check_search(config: SearchConfig) -> None:
    """Refuse a search whose trials could not be told apart on the study's validation split.

    Raises:
        ConfigError, StudyError: its runs could not work, or validation has not what they are judged by.
    """
    if not (study := wanted_study(config.base.study)):
        return  # it builds itself, with all that is wanted
    check_study(config.base, study)
    labels = study.labels[study.rows("val")]
    if not len(labels):
        raise StudyError(f"Study {study.name!r} has no validation split, so trials of a search cannot be judged on it.")
    if config.judged == "auroc" and not ((labels == 0).any(0) & (labels == 1).any(0)).any():
        raise StudyError(
            f"Study {study.name!r} has no finding with both classes in validation, so there is no AUROC to judge "
            "trials by: judge them by 'loss'."
        )


def wanted_study(name: str) -> Study | None:
    """The study of runs that are to be made; None where it is the demo and not there yet: it builds itself.

    Raises:
        StudyError: there is none of that name.
    """
    return Study.load(name) if name != "demo" or "demo" in study_names() else None


def on_another_study(run: Run, study: str) -> RunConfig:
    """The settings of a run that takes what another has learned, and judges it on any study; nothing is trained.

    A head that was made for the findings of its study is asked for these again: those that the new study lacks are
    unknown there.

    Raises:
        RunError: the other run has no embeddings yet.
    """
    if not run.has("embed"):
        raise RunError(f"Run {run.id[:8]} is not finished: it has no embed stage yet.")
    own = run.config
    bound = own.head.kind in ("linear", "disease-tokens")
    return own.replace(
        study=study,
        start_from=run.id,
        label=f"{run.title} → {study}"[:200],
        findings=tuple(run.embeddings("prompts").ids) if bound else (),
        training=own.training.replace(epochs=0),
    )


def with_model(model: Model, study: str, encoder: EncoderConfig | None = None) -> RunConfig:
    """The settings of a run that takes a kept model of another workspace to a study; nothing is trained.

    A head that was made for findings is asked for these: those that the study lacks are unknown there.

    Args:
        model: from :func:`core.cards.keeping.keep`.
        study: its name.
        encoder: towers of this machine with the weights that the model had, where these came from a folder elsewhere.

    Raises:
        RunError: they came from a folder, and no encoder was given.
    """
    if model.lacks_towers and encoder is None:
        raise RunError(
            "This model's towers came from a folder of another machine. Say where the same weights lie here: "
            "--encoder FOLDER, or IMAGE+TEXT for two (their hashes are compared with the model's)."
        )
    own = model.config.to_run(study)
    if encoder is not None:
        side = own.encoder.image.side
        encoder = encoder.replace(image=encoder.image.replace(side=side), text=encoder.text)
    return own.replace(
        encoder=encoder or own.encoder,
        start_from=source_of(model),
        label=f"{model.config.title} → {study}"[:200],
        findings=model.labels if model.bound else (),
    )


def _check_strangers(source: str, study: Study) -> None:
    """Refuse to judge a model on patients that it was trained on, where the study that it learned from is here, too
    (all studies of a workspace salt names alike).

    Raises:
        StudyError: there are such patients.
    """
    origins = origins_of(source)
    named = source.replace(":", " ") if is_model(source) else f"run {source[:8]}"
    judged = set(study.samples.iloc[study.judged_rows()]["patient"])
    for trained in _trained_on(source, origins):
        samples = trained.samples
        if known := sorted(set(samples.loc[samples["split"] == "train", "patient"]) & judged):
            raise StudyError(
                f"{len(known)} of the patients to be judged in study {study.name!r} were in the training split of "
                f"{named} (first: {', '.join(known[:4])}). Its scores would be too good: give them another split."
            )


def _trained_on(source: str, origins: Origins) -> list[Study]:
    """The studies of this workspace that the weights learned from: of a run of ours by name, too, because one that was
    imported anew holds the same patients; of a model folder, whose names mean nothing here, by fingerprint alone."""
    found = {study.name: study for study in here(origins)}
    if not is_model(source):
        own = Run.load(source).config
        if own.losses and own.study in study_names():
            found[own.study] = Study.load(own.study)
    return list(found.values())


def _lacking(config: RunConfig, study: Study) -> str | None:
    """The end of a sentence that begins with the study; None where it has all that is wanted."""
    if config.head.kind == "disease-tokens" and not study.findings:
        return "has no findings, and a head of kind 'disease-tokens' is made of one token for each"
    train = study.rows("train")
    if config.losses and not len(train):
        return "has no training split, so nothing can be trained on it"
    if lacking := _lacking_findings(config, study, train):
        return lacking
    of_texts = [loss for loss in ("contrastive", "alignment", "subspaces") if loss in config.losses]
    captioned = of_texts and config.head.kind != "disease-tokens"
    return _few_texts(study, train.tolist(), of_texts[0]) if captioned else None


def _lacking_findings(config: RunConfig, study: Study, train: NDArray[np.int64]) -> str | None:
    losses, objective = config.losses, config.objective
    of_labels = [f"{loss} loss" for loss in ("classification", "supervised") if loss in losses]
    if "contrastive" in losses and objective.contrastive_form == "soft-targets":
        of_labels.append("contrastive loss with soft targets")
    if "alignment" in losses and objective.alignment_form == "semantic":
        of_labels.append("alignment loss of the semantic form")
    if of_labels and np.isnan(study.labels[train]).all():
        what = "no known label in its training split" if study.findings else "no findings"
        return f"has {what}, and the {of_labels[0]} learns from labels alone"
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
