"""The process that stays warm: it loads what answers once, and answers questions until nobody asks."""

from __future__ import annotations

import contextlib
import logging
import time

from core.asking.warm import WARM, Warm
from core.errors import ArtefactError, FluoroscopeError, Stopped
from core.files import read_json
from core.work import ProgressFile, StopRequest

POLL = 0.03
"""Seconds between two looks for questions."""

ABANDONED = 60.0
"""Seconds after which a file that is being written has lost its writer."""

STOPPED = "The process that answers was stopped. Ask again: it starts anew."
log = logging.getLogger(__name__)


def serve(asked: Warm, idle: float, stop: StopRequest) -> None:
    """Answer until there was no question for ``idle`` seconds.

    Raises:
        Stopped: it was asked to; what waited is refused.
        FluoroscopeError: what answers cannot be loaded, or fails; what waited is refused with the reason.
    """
    try:
        _serve(asked, idle, stop)
    except Stopped:
        _refuse_all(asked, STOPPED)
        raise
    except FluoroscopeError as error:
        _refuse_all(asked, str(error))
        raise


def _serve(asked: Warm, idle: float, stop: StopRequest) -> None:
    progress = ProgressFile(asked.folder)
    with progress.stage(f"loading {asked.loads}"):
        weights, answer = asked.weights(), asked.answerer()
    log.info("%s of run %s is loaded", asked.loads, asked.run.id)
    tidy(asked, weights)
    with progress.stage(WARM):
        answered, last = 0, time.monotonic()
        while time.monotonic() - last < idle:
            stop.check()
            questions = asked.waiting()
            for question in questions:
                if question.weights != weights:  # the run was trained again
                    weights, answer = asked.weights(), asked.answerer()
                answer(question)
            if questions:
                answered, last = answered + len(questions), time.monotonic()
            else:
                time.sleep(POLL)
    log.info("nobody asked for %.0f s; %d answers since the start", idle, answered)


def tidy(asked: Warm, weights: str) -> None:
    """Remove answers of weights that the run has no longer, and words that a killed asker left half-written."""
    for manifest in (asked.folder / "answers").glob("*.json"):
        try:
            current = read_json(manifest)["made_by"]["learned"] == weights
        except (ArtefactError, KeyError, TypeError):
            current = False
        if not current:
            manifest.unlink(missing_ok=True)
            manifest.with_suffix(".safetensors").unlink(missing_ok=True)
    for draft in (asked.folder / "questions").glob(".*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # it was finished between the look and this
            if time.time() - draft.stat().st_mtime > ABANDONED:
                draft.unlink()


def _refuse_all(asked: Warm, reason: str) -> None:
    for question in asked.waiting():
        asked.refuse(question.name, reason)
