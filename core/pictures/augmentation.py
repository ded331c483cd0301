"""What augmentation makes of one radiograph of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.augmentation.arrays import augmented
from core.augmentation.drawing import batch_generator, draw, mixup_draw
from core.config.augmentation import AugmentationConfig
from core.figures.radiographs import radiograph_row
from core.figures.theme import LIGHT, Theme
from core.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A radiograph, then its changed versions: float32 (S, S) in 0..255 each, titles, and what was done."""

    pictures: list[NDArray[np.float32]]
    titles: list[str]
    done: list[list[str]]

    @property
    def alt(self) -> str:
        """All of it in words."""
        said = [f"{title}: {', '.join(words)}" for title, words in zip(self.titles, self.done, strict=True)]
        return "A radiograph and what augmentation makes of it. " + "; ".join(said)


def preview(study: Study, config: AugmentationConfig, row: int, *, seed: int, turns: Sequence[int]) -> Preview:
    """The versions of one radiograph that a run with this seed is trained on.

    With MixUp each is mixed with another radiograph of the training split, changed in its own way; which one, and how
    much of it, is decided for each batch in training, so that here it is an example.

    Args:
        study: whose radiographs.
        config: how far things go.
        row: which radiograph.
        seed: of the run.
        turns: which epochs (or cached views), from 0.
    """
    others = study.rows("train")
    pictures, titles, done = [study.images[row].astype(np.float32)], ["original"], [_said(study, row)]
    for turn in turns:
        rng = batch_generator(seed, turn)
        share, _ = mixup_draw(config.mixup, 1, rng)
        pair = [row, int(others[rng.integers(len(others))])] if config.mixup > 0 and len(others) else [row]
        draws = draw(config, pair, seed=seed, turn=turn)
        made = augmented(study.images[pair], draws)
        mixed = len(pair) > 1
        pictures.append(share * made[0] + (1 - share) * made[1] if mixed else made[0])
        titles.append(f"view {turn + 1}")
        done.append([*draws.words(0), *([f"{1 - share:.0%} of another".replace("%", " %")] if mixed else [])])
    return Preview(pictures=pictures, titles=titles, done=[words or ["as it is"] for words in done])


def _said(study: Study, row: int) -> list[str]:
    return [str(study.samples["id"].iloc[row]), f"{study.manifest['size']} x {study.manifest['size']}"]


def augmentation(shown: Preview, *, theme: Theme = LIGHT) -> go.Figure:
    """The radiograph and its versions side by side."""
    return radiograph_row(shown.pictures, shown.titles, shown.done, theme=theme)
