"""What a run is looking at: now and then it writes down the radiographs of the batch under way."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.augmentation.drawing import MixUp
from core.config.run import RunConfig
from core.errors import ArtefactError
from core.files import read_json, write_json

FILE = "seen.json"
MOST = 8
"""So many radiographs of a batch are written down."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The first radiographs of one batch, and what was done to them; with the run's settings that is enough to make
    the same pictures again.

    Attributes:
        step, epoch: of the batch; steps from 1, epochs from 0.
        batch: radiographs in it.
        rows: the first of them, as rows of the study.
        turn: which draw of the augmentation they got; None: they were not changed.
        partners: rows of the study that each was mixed with (MixUp); empty: it was not.
        share: of its own that each kept; 1 where nothing was mixed.
        frozen: whether the image tower is frozen; it saw its pictures before training, and MixUp mixes features.
        side: of the tower's input in pixels.
    """

    step: int
    epoch: int
    batch: int
    rows: list[int]
    turn: int | None
    partners: list[int]
    share: float
    frozen: bool
    side: int

    def save(self, folder: Path) -> None:
        write_json(folder / FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what a run wrote last.

        Raises:
            ArtefactError: it has not written any, or it is not of our form.
        """
        data = read_json(folder / FILE)
        try:
            return cls(**data)
        except TypeError as error:
            raise ArtefactError(f"{FILE} of run {folder.name[:8]} is not of our form ({error}).") from None


class Window:
    """Writes :class:`Seen` at most every few seconds.

    Args:
        folder: of the run.
        config: of the run.
        train: (n,) rows of the study that make its training split.
        side: of the image tower's input in pixels.
        every: seconds.
    """

    def __init__(
        self, folder: Path, config: RunConfig, train: NDArray[np.int64], side: int, *, every: float = 4.0
    ) -> None:
        self.folder, self.config, self.train, self.side, self.every = folder, config, train, side, every
        self._written = -every

    @property
    def due(self) -> bool:
        return time.monotonic() - self._written >= self.every

    def show(self, step: int, epoch: int, rows: NDArray[np.int64], mix: MixUp | None) -> None:
        """Write a batch down: (b,) places in the training split, and how they were mixed."""
        augmentation, frozen = self.config.augmentation, self.config.tuning.image == "nothing"
        turn = augmentation.view(epoch) if frozen else epoch
        own = self.train[rows]
        Seen(
            step=step,
            epoch=epoch,
            batch=len(rows),
            rows=own[:MOST].tolist(),
            turn=turn if augmentation.changes_pictures else None,
            partners=[] if mix is None else own[mix.partner][:MOST].tolist(),
            share=1.0 if mix is None else mix.share,
            frozen=frozen,
            side=self.side,
        ).save(self.folder)
        self._written = time.monotonic()
