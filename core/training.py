"""The loop, one :class:`core.logbook.StepMetrics` at a time."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from core.augmentation.drawing import batch_generator, mixup_draw
from core.batches import loss_terms, mixed_terms, predict, validation_loss
from core.checkpoints import (
    Checkpoint,
    CheckpointWriter,
    Tensors,
    newest,
    on_host,
    optimiser_tensors,
    random_state,
    restore_optimiser,
    restore_random_state,
)
from core.config.run import TrainingConfig
from core.errors import ConfigError, TrainingDiverged
from core.feeds import Moment
from core.heads import Head
from core.inputs import TrainingData
from core.logbook import StepMetrics
from core.losses.objective import Objective
from core.losses.temperature import temperature_at
from core.metering import Meter
from core.metrics.ranking import macro_auroc
from core.parallel import average_buffers, reduce_gradients
from core.tuning import Tuning, frozen, learned_state, learning_rates, load_learned, make_optimiser, parameter_groups


def schedule(warmup_share: float, step: int, steps: int) -> float:
    """The share of the peak learning rate: linear warm-up from 0, then cosine to 0; ``step`` counts from 0."""
    warmup = round(warmup_share * steps)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.5 * (1 + math.cos(math.pi * done))


def seed_everything(seed: int) -> None:
    """Seed torch (all devices), Python and numpy."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


class Trainer:
    """Trains a head, and what of the towers learns; :meth:`steps` yields as it goes, so that its caller reports, stops
    and saves."""

    def __init__(
        self,
        head: Head,
        objective: Objective,
        data: TrainingData,
        config: TrainingConfig,
        *,
        seed: int,
        folder: Path,
        tuning: Tuning | None = None,
    ) -> None:
        self.head, self.objective, self.data, self.config = head, objective, data, config
        self.tuning = tuning or frozen()
        self.seed, self.checkpoints = seed, CheckpointWriter(folder)
        self.device = data.train.labels.device
        self._check()
        self.steps_per_epoch = math.ceil(len(data.train) / config.batch_size)
        self.total_steps = self.steps_per_epoch * config.epochs
        groups = parameter_groups((head, objective), self.tuning, config.learning_rate, config.weight_decay)
        self.optimiser = make_optimiser(config.optimiser, groups)
        self.step = 0
        self.elapsed = 0.0
        self.batch: tuple[Tensor, Moment] | None = None  # of the newest step, for whoever wants to show it
        self.meter = Meter(self.device)
        self.judged_by = self._judged_by()
        self.best: dict[str, Any] = {"step": 0}
        self.best_weights: Tensors | None = None

    def _check(self) -> None:
        """Refuse an objective that this head cannot follow, before anything is trained."""
        kind, wanted = type(self.head).__name__, self.objective.weights
        if "classification" in wanted and not self.head.classifier:
            raise ConfigError(f"{kind} has no classifier for the classification loss: take linear or disease-tokens.")
        learned = "text" in self.tuning.towers
        if "orthogonal" in wanted and not (
            learned or self.head.eval().prompts(self.data.texts.prompts()).requires_grad
        ):
            raise ConfigError(f"{kind} leaves the prompts as they are: the orthogonal loss needs another head.")

    def _judged_by(self) -> Literal["auroc", "loss"] | None:
        """What tells good weights from bad ones on the validation split; None where there is no such split."""
        labels = self.data.val.labels
        if not len(labels):
            return None
        return "auroc" if ((labels == 0).any(0) & (labels == 1).any(0)).any() else "loss"

    @property
    def note(self) -> str | None:
        """What validation cannot tell in this run, and which weights are kept therefore; None where it tells all."""
        if self.judged_by == "auroc":
            return None
        best = self.config.keep == "best"
        if self.judged_by is None:
            kept = ": the last weights are kept, not the best ones" if best else ""
            return f"No validation AUROC and no validation loss, because there is no validation split{kept}."
        kept = ": the weights with the lowest validation loss are kept" if best else ""
        why = "no finding has both classes in validation" if self.data.val.labels.shape[1] else "there are no findings"
        return f"No validation AUROC, because {why}{kept}."

    def resume(self) -> int:
        """Go back to the newest checkpoint that verifies; returns its step (0: none)."""
        found = newest(self.checkpoints.folder)
        if found is None:
            return 0
        self._put_back(found.tensors["model"])
        self.objective.load_state_dict(found.tensors.get("objective", {}))  # most objectives learn nothing themselves
        restore_optimiser(self.optimiser, found.tensors["optimiser"])
        restore_random_state(found.tensors["random"], found.state["random"])
        if found.best_weights is not None:
            self.best, self.best_weights = found.state["best"], found.best_weights
        self.elapsed, self.step = found.state["elapsed"], found.step
        return self.step

    def save(self, *, wait: bool = True) -> None:
        """Write a checkpoint of this moment.

        Args:
            wait: until it is on the disk; else training can go on as soon as all is copied to host memory.

        Raises:
            OSError: it, or the one before, could not be written (a full disk); the older ones are whole.
        """
        tensors, state = random_state()
        learned = self.objective.state_dict()
        self.checkpoints.write(
            Checkpoint(
                step=self.step,
                tensors={
                    "model": on_host(learned_state(self.head, self.tuning)),
                    "optimiser": on_host(optimiser_tensors(self.optimiser)),
                    "random": tensors,
                    **({"objective": on_host(learned)} if learned else {}),
                },
                state={"best": self.best, "elapsed": self.elapsed, "random": state},
                best=self.best["step"],
                best_weights=self.best_weights,
            )
        )
        if wait:
            self.checkpoints.wait()

    def steps(self) -> Iterator[StepMetrics]:
        """Train to the end.

        Raises:
            TrainingDiverged: a loss is not finite; the step, and the term, are named, nothing is updated.
        """
        while self.step < self.total_steps:
            started = time.perf_counter()
            epoch, position = divmod(self.step, self.steps_per_epoch)
            rows = self._order(epoch)[position * self.config.batch_size :][: self.config.batch_size]
            share = schedule(self.config.warmup, self.step, self.total_steps)
            if self.objective.config.temperature_end:
                self.head.set_temperature(temperature_at(self.objective.config, self.step, self.total_steps))
            self.tuning.thaw(epoch)
            moment = self._moment(epoch, len(rows))
            self.batch = rows, moment
            loss, terms, norm = self._update(rows, moment, share)
            self.step += 1
            validation = self._validate() if position == self.steps_per_epoch - 1 else {}
            seconds = time.perf_counter() - started
            self.elapsed += seconds
            yield StepMetrics(
                step=self.step,
                epoch=self.step / self.steps_per_epoch,
                elapsed=self.elapsed,
                loss=loss,
                terms=terms,
                learning_rate=self.config.learning_rate * share,
                temperature=1 / self.head.scale.item(),
                gradient_norm=norm,
                images_per_second=len(rows) / seconds,
                learning_rates=learning_rates(self.optimiser),
                use=self.meter.read(),
                validation=validation,
            )

    def finish(self) -> None:
        """Keep the weights that the config asks for (the last ones where validation has nothing to choose by)."""
        if self.config.keep == "best" and self.best_weights is not None:
            self._put_back(self.best_weights)

    def terms(self, rows: Tensor, moment: Moment | None = None) -> dict[str, Tensor]:
        """Each loss of the objective for the given rows of the training split, before its weight."""
        with self.data.autocast():
            batch = self.data.batch(self.data.train, rows, moment)
            if moment is None or moment.mix is None:
                return loss_terms(self.head, self.objective, batch)
            others = torch.from_numpy(moment.mix.partner).to(self.device)
            return mixed_terms(self.head, self.objective, batch, moment.mix.share, others)

    def _moment(self, epoch: int, count: int) -> Moment:
        alpha = self.data.mixup
        mix = mixup_draw(alpha, count, batch_generator(self.seed, self.step)) if alpha > 0 else None
        return Moment(epoch, self.step, mix)

    def _update(self, rows: Tensor, moment: Moment, share: float) -> tuple[float, dict[str, float], float]:
        for part in (self.head, self.objective, self.tuning):
            part.train()
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * share
        terms = self.terms(rows, moment)
        values = {name: float(value.detach()) for name, value in terms.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingDiverged(self._diverged(f"{name} loss", value))
        loss = self.objective.total(terms)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._come_together()
        learned = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        norm = float(torch.nn.utils.clip_grad_norm_(learned, self.config.clip_norm))
        if not math.isfinite(norm):  # clipping by it would make every weight NaN
            raise TrainingDiverged(self._diverged("gradient's norm", norm))
        self.optimiser.step()
        self.head.bound_scale()
        return float(loss.detach()), values, norm

    def _come_together(self) -> None:
        """Where several processes train: one gradient, and one set of batch statistics, for all."""
        towers = self.tuning.towers.values()
        reduce_gradients(
            [*self.head.parameters(), *self.objective.parameters()],
            (parameter for tower in towers for parameter in tower.parameters()),
        )
        average_buffers(towers)

    def _diverged(self, what: str, value: float) -> str:
        return (
            f"The {what} became {value} at step {self.step + 1}. The last finite checkpoint stays; "
            "lower the learning rate or raise the temperature, and start a new run."
        )

    def _order(self, epoch: int) -> Tensor:
        """The order of an epoch depends on seed and epoch alone, so that a resumed epoch goes on where it was."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.data.train), generator=generator).to(self.device)

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        if self.judged_by is None:
            return {}
        for part in (self.head, self.objective, self.tuning):
            part.eval()
        found = {"loss": validation_loss(self.head, self.objective, self.data, self.config.batch_size)}
        if self.judged_by == "auroc":
            probabilities = predict(self.head, self.data, self.data.val, self.config.batch_size)
            found["auroc"] = macro_auroc(self.data.val.labels.cpu().numpy(), probabilities.cpu().numpy())
        found = {name: value for name, value in found.items() if math.isfinite(value)}
        if (value := found.get(self.judged_by)) is not None and self._no_worse(value):
            self.best = {"step": self.step, self.judged_by: value}
            self.best_weights = on_host(learned_state(self.head, self.tuning))
        return found

    def _no_worse(self, value: float) -> bool:
        best = self.best.get(str(self.judged_by))
        return best is None or (value >= best if self.judged_by == "auroc" else value <= best)

    def _put_back(self, state: dict[str, Tensor]) -> None:
        load_learned(self.head, self.tuning, state)
