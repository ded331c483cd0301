"""What happens in training, written down for all who want to look: the log, its mirrors, what the model sees."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, Self

from core.logbook import MetricsLog, StepMetrics
from core.mirrors import Mirrors
from core.preparing import Prepared
from core.runs import Run
from core.seen import Window
from core.training import Trainer

log = logging.getLogger(__name__)


class Observer:
    """Of one training; only the first of several processes has one.

    Args:
        run: in whose folder all is written.
        ready: what it trains on.
        resumed: the step that it goes on from; 0: it begins anew.
    """

    def __init__(self, run: Run, ready: Prepared, resumed: int) -> None:
        self.hurry = False
        self._log = MetricsLog(run.folder, keep_up_to=resumed)
        self._mirrors = Mirrors(run.folder, run.config, resumed=resumed)
        self._window = Window(run.folder, run.config, ready.study.rows("train"), ready.encoder.image.recipe.side)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            stack.callback(self._mirrors.close, hurry=self.hurry)
            stack.callback(self._log.close)

    def begin(self, references: dict[str, Any], note: str | None) -> None:
        """The first line: chance level and floor of each loss, and what cannot be told."""
        self._log.write({"references": references, **({"note": note} if note else {})})

    def step(self, step: StepMetrics, trainer: Trainer) -> None:
        """One step, as it happened."""
        last = step.step == trainer.total_steps
        self._log.write({key: value for key, value in asdict(step).items() if value != {}})
        self._mirrors.tell(step, last=last)
        if (last or self._window.due) and trainer.batch:
            rows, moment = trainer.batch
            self._window.show(step.step, moment.epoch, rows.cpu().numpy(), moment.mix)
        if step.validation or last:
            scores = "".join(f"  validation {name} {value:.3f}" for name, value in step.validation.items())
            log.info(
                "step %d/%d  epoch %.0f  loss %.4f%s", step.step, trainer.total_steps, step.epoch, step.loss, scores
            )
