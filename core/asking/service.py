"""The process that stays warm: it loads a run's text side once and answers questions until nobody asks."""

from __future__ import annotations

import logging
import time

from core.asking.questions import WARM, Asked
from core.asking.text_side import TextSide
from core.errors import FluoroscopeError, Stopped
from core.work import ProgressFile, StopRequest

POLL = 0.03
"""Seconds between two looks for questions."""

STOPPED = "The process that answers was stopped. Ask again: it starts anew."
log = logging.getLogger(__name__)


def serve(asked: Asked, idle: float, stop: StopRequest) -> None:
    """Answer until there was no question for ``idle`` seconds.

    Raises:
        Stopped: it was asked to; what waited is refused.
        FluoroscopeError: the text side cannot be loaded, or fails; what waited is refused with the reason.
    """
    try:
        _serve(asked, idle, stop)
    except Stopped:
        _refuse_all(asked, STOPPED)
        raise
    except FluoroscopeError as error:
        _refuse_all(asked, str(error))
        raise


def _serve(asked: Asked, idle: float, stop: StopRequest) -> None:
    progress = ProgressFile(asked.folder)
    with progress.stage("loading the text tower"):
        weights, side = asked.weights(), TextSide.load(asked.run)
    log.info("the text side of run %s is loaded", asked.run.id)
    with progress.stage(WARM):
        answered, last = 0, time.monotonic()
        while time.monotonic() - last < idle:
            stop.check()
            questions = asked.waiting()
            for question in questions:
                if question.weights != weights:  # the run was trained again
                    weights, side = asked.weights(), TextSide.load(asked.run)
                asked.give(question, side.embed(question.text))
            if questions:
                answered, last = answered + len(questions), time.monotonic()
            else:
                time.sleep(POLL)
    log.info("nobody asked for %.0f s; %d answers since the start", idle, answered)


def _refuse_all(asked: Asked, reason: str) -> None:
    for question in asked.waiting():
        asked.refuse(question.name, reason)
