"""The radiographs of a run's current batch as they enter its image tower, made again without torch."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.augmentation.arrays import augmented
from core.augmentation.drawing import draw
from core.config.run import RunConfig
from core.errors import InputError
from core.seen import Seen
from core.studies.study import Study
from core.studies.vocabulary import display_name

LETTERS = 100
"""So many letters of a radiograph's text are shown."""

Pictures = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Pictures uint8 (side, side), and for each its title and lines: findings, its text, what was done to it.

    Attributes:
        told: in a few sentences, what was done to all of them.
    """

    pictures: list[NDArray[np.uint8]]
    titles: list[str]
    lines: list[list[str]]
    told: str


def sheet(study: Study, config: RunConfig, seen: Seen) -> Sheet:
    """Make the pictures of a batch again.

    Args:
        study: the run's, with the images that it is trained on.
        config: of the run: augmentation and seed.
        seen: what the run wrote down.

    Raises:
        InputError: rows that are not of this study.
    """
    rows, partners = np.array(seen.rows, np.int64), np.array(seen.partners, np.int64)
    if max([*seen.rows, *seen.partners], default=0) >= len(study):
        raise InputError(f"Study {study.name!r} has {len(study)} radiographs; the batch is of another study.")
    pictures, done = _changed(study, config, rows, seen.turn)
    if len(partners) and not seen.frozen:
        others, _ = _changed(study, config, partners, seen.turn)
        pictures = seen.share * pictures + (1 - seen.share) * others
    ids = study.samples["id"].astype(str).to_numpy()
    lines = []
    for at, row in enumerate(seen.rows):
        mixed = [_mixed(seen, ids[partners[at]])] if len(partners) else []
        lines.append([*_words(study, row), ", ".join([*done[at], *mixed]) or "as it is"])
    return Sheet(
        pictures=[_resized(picture, seen.side) for picture in pictures],
        titles=ids[rows].tolist(),
        lines=lines,
        told=told(config, seen),
    )


def _changed(
    study: Study, config: RunConfig, rows: NDArray[np.int64], turn: int | None
) -> tuple[Pictures, list[list[str]]]:
    """Pictures (n, S, S) as training changes them, and what is done to each."""
    images = np.asarray(study.images[rows], np.float32)
    if turn is None:
        return images, [[] for _ in rows]
    draws = draw(config.augmentation, rows, seed=config.seed, turn=turn)
    return augmented(images, draws), [draws.words(at) for at in range(len(rows))]


def _resized(picture: Pictures, side: int) -> NDArray[np.uint8]:
    """As the tower does it, bicubic with antialiasing; then whole grey levels, for the screen."""
    made = Image.fromarray(picture.astype(np.float32))
    if len(picture) != side:
        made = made.resize((side, side), Image.Resampling.BICUBIC)
    return np.clip(np.rint(np.asarray(made)), 0, 255).astype(np.uint8)


def _words(study: Study, row: int) -> list[str]:
    """The findings of a radiograph, and its own text where it has one."""
    labels = study.labels[row]
    present = [display_name(name) for name, value in zip(study.findings, labels, strict=True) if value == 1]
    nothing = "findings unknown" if np.isnan(labels).all() else "none known" if np.isnan(labels).any() else "no finding"
    text = study.samples["text"].iloc[row]
    own = [f"“{textwrap.shorten(text, LETTERS, placeholder=' …')}”"] if isinstance(text, str) and text.strip() else []
    return [", ".join(present) or nothing, *own]


def _mixed(seen: Seen, partner: str) -> str:
    what = "its features with " if seen.frozen else ""
    return f"{what}{1 - seen.share:.0%} of {partner}".replace("%", " %")


def told(config: RunConfig, seen: Seen) -> str:
    """What happened to the radiographs of this batch, and what did not."""
    said = [f"From step {seen.step:,}, epoch {seen.epoch + 1}, a batch of {seen.batch:,}."]
    if seen.partners:
        what = "features of two radiographs" if seen.frozen else "two radiographs"
        said.append(f"MixUp mixes {what}, {seen.share:.0%} to {1 - seen.share:.0%}.".replace("%", " %"))
    if seen.turn is None:
        mixed = seen.partners and not seen.frozen
        said.append("Before that, nothing is changed." if mixed else "Nothing is changed: augmentation is off.")
    elif not seen.frozen:
        said.append("Each is changed anew in each epoch.")
    if seen.frozen:
        views = f", in {config.augmentation.views} views that the epochs take in turn" if seen.turn is not None else ""
        view = f"; here is view {seen.turn + 1}" if seen.turn is not None else ""
        said.append(f"The image tower is frozen: it saw each radiograph before training{views}{view}.")
    if "views" in config.losses:
        said.append("Of the two views that the loss compares, this is the first.")
    said.append(f"{seen.side} x {seen.side} pixels, the tower's input.")
    return " ".join(said)
