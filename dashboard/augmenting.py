"""Augmentation in the Train view: its settings, and what they make of a radiograph of the chosen study."""

from __future__ import annotations

import dataclasses
import typing

import streamlit as st

from core.config.augmentation import AugmentationConfig
from core.config.run import RunConfig
from core.pictures import augmentation as pictures
from core.studies.study import study_names
from dashboard import cached
from dashboard.showing import show
from dashboard.widgets import form, theme

COLUMNS = (
    ("crop", "rotation", "translation"),
    ("brightness", "contrast", "gamma"),
    ("noise", "cutout", "cutout_probability"),
    ("mixup", "flip", "views"),
)
SHOWN = 3
"""So many changed versions stand beside the original."""


def augmentation(config: RunConfig, key: str) -> RunConfig:
    """The run's settings with the augmentation that the user wants, and a preview where it changes anything.

    Raises:
        ConfigError: what the user entered is not allowed; the message says what is.
    """
    with st.expander("Augmentation"):
        changed = config.replace(augmentation=_settings(config.augmentation, f"{key}.augmentation"))
        if changed.augmentation.enabled:
            _preview(changed, key)
        else:
            st.caption("Off: radiographs are trained on as they are. Set crop below 1, or noise, to see what it does.")
    return changed


def _settings(config: AugmentationConfig, key: str) -> AugmentationConfig:
    names = [field.name for field in dataclasses.fields(config)]
    for column, own in zip(st.columns(len(COLUMNS)), COLUMNS, strict=True):
        with column:
            others = [name for name in names if name not in own]
            config = typing.cast(AugmentationConfig, form(config, key=key, main=False, but=others))
    return config


def _preview(config: RunConfig, key: str) -> None:
    """The first versions of one radiograph that this run would be trained on."""
    if config.study not in study_names():
        st.caption("The demo study is not built yet: there is no radiograph to show what this does.")
        return
    study = cached.study(config.study)
    train = study.rows("train")
    if not len(train):
        st.caption("This study has no training split: nothing of it is augmented.")
        return
    left, right, *_ = st.columns(4)
    place = left.number_input(
        f"Radiograph (of {len(train):,} in training)",
        1,
        len(train),
        key=f"{key}.preview-{study.name}",
        help="+: another",
    )
    first = right.number_input("From view", 1, 9999, key=f"{key}.view", help="+: the numbers that are drawn next")
    shown = pictures.preview(
        study,
        config.augmentation,
        int(train[int(place) - 1]),
        seed=config.seed,
        turns=range(int(first) - 1, int(first) - 1 + SHOWN),
    )
    show(
        pictures.augmentation(shown, theme=theme()),
        key="augmentation",
        alt=shown.alt,
        name=("augmentation", study.name, shown.done[0][0]),
        help=_help(config),
    )


def _help(config: RunConfig) -> str:
    views = config.augmentation.views
    frozen = f"a frozen tower sees the first {views} views in turn" if views > 1 else "a frozen tower sees view 1 alone"
    mixed = " Which radiograph MixUp takes, and how much of it, is decided in each step: here is an example."
    return (
        f"Drawn for seed {config.seed}, as in training: {frozen}, one that learns another in each epoch."
        f"{mixed if config.augmentation.mixup else ''}"
    )
