"""On which studies a model has learned: its own run's, and those of the weights that it began with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.cards.keeping import is_model, kept
from core.cards.reading import Model
from core.config.model import TrainedOn
from core.errors import ArtefactError, RunError
from core.files import read_json
from core.runs import Run
from core.studies.study import Study, load_studies

MOST_STEPS = 100
"""So many runs, each begun with the weights of the one before it, are followed."""


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What a model has learned from.

    Attributes:
        studies: all that are known.
        others: whether there may be more, because a run or a model that it began with is gone, or says so.
    """

    studies: tuple[TrainedOn, ...] = ()
    others: bool = False


def origins_of(source: str) -> Origins:
    """Of ``start_from``: the id of a run, or a kept model."""
    found: list[TrainedOn] = []
    for _ in range(MOST_STEPS):
        if not source:
            return Origins(studies=tuple(dict.fromkeys(found)))
        try:
            if is_model(source):
                own = origins_in(kept(source))
                return Origins(studies=tuple(dict.fromkeys([*found, *own.studies])), others=own.others)
            run = Run.load(source)
            if run.config.losses:
                found.append(_study_of(run))
            source = run.config.start_from
        except (ArtefactError, RunError):
            break
    return Origins(studies=tuple(dict.fromkeys(found)), others=True)


def origins_in(model: Model) -> Origins:
    """What a model folder says of itself."""
    return Origins(studies=model.config.trained_on, others=model.config.others)


def _study_of(run: Run) -> TrainedOn:
    own = read_json(run.folder / "study.json")
    return TrainedOn(study=own["name"], fingerprint=own["fingerprint"], split_hash=own["split_hash"])


def here(origins: Origins) -> Iterator[Study]:
    """Those of the studies that lie in this workspace, too, sample for sample."""
    prints = {one.fingerprint for one in origins.studies}
    yield from (study for study in load_studies() if study.fingerprint in prints)


def words(origins: Origins) -> str:
    """What is known of the patients that the model has learned from, in a sentence or two."""
    if not origins.studies and not origins.others:
        return "This model was not trained on any study, so no patient to be judged was in its training."
    known = {study.fingerprint for study in here(origins)}
    if not origins.others and known >= {one.fingerprint for one in origins.studies}:
        return "The study that it was trained on is in this workspace: none of the judged patients was in its training."
    trained = ", ".join(f"{one.study!r} (fingerprint {one.fingerprint[:8]}…)" for one in origins.studies) or "unknown"
    return (
        "It is not known which patients this model was trained on, because a model folder names no patients. It was "
        f"trained on: {trained}. Where the study judged here holds some of the same people, its scores are too good."
    )
