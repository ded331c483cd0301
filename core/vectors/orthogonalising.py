"""The orthogonal module trained on the vectors of one set, with the orthogonal loss alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, TrainingConfig
from core.config.vectors import OrthogonaliseConfig
from core.errors import Stopped, TrainingDiverged
from core.heads import TextModule
from core.imported import CURVE, ImportedSet
from core.losses.base import off_diagonal
from core.losses.objective import Objective
from core.losses.orthogonal import orthogonal_reference
from core.store import EmbeddingSet
from core.training import schedule, seed_everything
from core.vectors.making import check_source
from core.work import ProgressFile, StopRequest


class Orthogonaliser:
    """Trains a :class:`TextModule` on all K vectors at once: AdamW, warm-up, cosine decay, clipped gradients.

    Always on the CPU: K vectors keep no accelerator busy, and the same seed gives the same set everywhere.
    """

    def __init__(self, vectors: NDArray[np.float32], config: OrthogonaliseConfig) -> None:
        seed_everything(config.seed)
        self.config = config
        self.loop = TrainingConfig(learning_rate=config.learning_rate)
        self.inputs = torch.from_numpy(vectors.copy())
        self.head = HeadConfig(
            kind="disease-tokens",
            width=config.width or vectors.shape[1],
            layers=config.layers,
            attention_heads=config.attention_heads,
        )
        self.module = TextModule(vectors.shape[1], self.head)
        self.objective = Objective(
            ObjectiveConfig(orthogonal=1.0, orthogonal_form=config.form, orthogonal_scale=config.scale)
        )

    def steps(self) -> Iterator[dict[str, float]]:
        """Train; yields after each step its number, the loss before it, and the cosines that belong to that loss.

        Raises:
            TrainingDiverged: the loss is no longer finite.
        """
        self.module.train()
        optimiser = torch.optim.AdamW(
            self.module.parameters(), lr=self.loop.learning_rate, weight_decay=self.loop.weight_decay
        )
        for step in range(self.config.steps):
            for group in optimiser.param_groups:
                group["lr"] = self.loop.learning_rate * schedule(self.loop.warmup, step, self.config.steps)
            optimiser.zero_grad()
            found = self.module(self.inputs)
            loss = self.objective.orthogonal(found)
            if not torch.isfinite(loss):
                raise TrainingDiverged(f"The loss is {loss.item()} at step {step + 1}: take a lower learning rate.")
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.loop.clip_norm)
            optimiser.step()
            cosines = off_diagonal(found.detach())
            yield {
                "step": step + 1,
                "loss": loss.item(),
                "mean_cosine": cosines.mean().item(),
                "mean_abs_cosine": cosines.abs().mean().item(),
            }

    @torch.no_grad()
    def output(self) -> NDArray[np.float32]:
        """What the module makes of its inputs in evaluation mode: float32 (K, width), rows of norm 1."""
        made: NDArray[np.float32] = self.module.eval()(self.inputs).numpy()
        return made


def orthogonalise(config: OrthogonaliseConfig, folder: Path, stop: StopRequest) -> ImportedSet:
    """Train, and save what the module makes of the source's vectors as a set; progress and curve go to ``folder``.

    Raises:
        Stopped: it was asked to; another start begins anew.
        TrainingDiverged, ArtefactError, InputError, ConfigError: it cannot be done, and why.
    """
    source = check_source(config)
    folder.mkdir(parents=True, exist_ok=True)
    work = Orthogonaliser(source.embedding.vectors, config)
    last: dict[str, float] = {}
    with (
        (folder / CURVE).open("w", buffering=1, encoding="utf-8") as curve,
        ProgressFile(folder).stage("orthogonalise") as tell,
    ):
        for last in work.steps():
            curve.write(json.dumps(last) + "\n")
            tell(last["step"], config.steps)
            if stop.asked:
                raise Stopped("Stopped on request; another start begins anew.")
        curve.flush()
        os.fsync(curve.fileno())  # the manifest will name it
    embedding = EmbeddingSet(
        ids=source.labels, vectors=work.output(), modality="prompt", made_by=_origin(source, work, last["loss"])
    )
    return ImportedSet.save(config.name, embedding)


def _origin(source: ImportedSet, work: Orthogonaliser, loss: float) -> dict[str, Any]:
    """What the set was made from, as its manifest says it; ``curve`` names the file of all losses."""
    settings = work.config.to_json()
    lines = orthogonal_reference(work.config.form, len(source.labels), work.head.width, work.config.scale)
    return {
        "kind": "orthogonal module",
        "source": source.name,
        "source_fingerprint": source.fingerprint,
        "settings": {name: value for name, value in settings.items() if name not in ("name", "source")},
        "width": work.head.width,
        "last_loss": loss,
        "chance": lines.chance,
        "floor": lines.floor,
        "curve": CURVE,
        "torch": str(torch.__version__),
    }
