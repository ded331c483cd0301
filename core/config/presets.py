"""Named experiments: each is a function that returns the settings of a run."""

from __future__ import annotations

from collections.abc import Callable

from core.config.encoders import resolve_encoder
from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, RunConfig, TrainingConfig
from core.errors import ConfigError


def zero_shot(study: str, encoder: str) -> RunConfig:
    """No training: the towers as they come, diseases read off prompts."""
    return RunConfig(
        study=study,
        preset="zero-shot",
        encoder=resolve_encoder(encoder),
        training=TrainingConfig(epochs=0),
    )


def linear(study: str, encoder: str) -> RunConfig:
    """Frozen towers and one linear layer on the image side, the "no grad mode": a linear probe whose class
    weights are the prompts."""
    return RunConfig(
        study=study,
        preset="linear",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="linear"),
        objective=ObjectiveConfig(classification=1.0),
        training=TrainingConfig(epochs=30),
    )


def contrastive(study: str, encoder: str) -> RunConfig:
    """Frozen towers, a projection head on each, learned temperature: image-text contrastive (InfoNCE)."""
    return RunConfig(
        study=study,
        preset="contrastive",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="projection", dropout=0.5),
        objective=ObjectiveConfig(contrastive=1.0),
        training=TrainingConfig(epochs=30, keep="best"),
    )


def orthogonal(study: str, encoder: str) -> RunConfig:
    """Disease tokens, two disease transformers, a shared classifier: classification, per-disease contrastive and
    orthogonal loss."""
    return RunConfig(
        study=study,
        preset="orthogonal",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="disease-tokens", dropout=0.4),
        objective=ObjectiveConfig(classification=1.0, contrastive=1.0, orthogonal=1.0),
        training=TrainingConfig(epochs=20),
    )


def contrastive_normalised_logits(study: str, encoder: str) -> RunConfig:
    """A trap to be seen: "orthogonal" with logit rows brought to norm 1 before the contrastive cross-entropy. The
    temperature cancels, and that loss stops at 1.7237 for 14 findings."""
    return RunConfig(
        study=study,
        preset="contrastive-normalised-logits",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="disease-tokens", dropout=0.4),
        objective=ObjectiveConfig(
            classification=1.0, contrastive=1.0, contrastive_form="normalised-logits", orthogonal=1.0
        ),
        training=TrainingConfig(epochs=20),
    )


PRESETS: dict[str, Callable[[str, str], RunConfig]] = {
    "zero-shot": zero_shot,
    "linear": linear,
    "contrastive": contrastive,
    "orthogonal": orthogonal,
    "contrastive-normalised-logits": contrastive_normalised_logits,
}


def preset(name: str, *, study: str, encoder: str) -> RunConfig:
    """The settings of the named experiment.

    Raises:
        ConfigError: no preset or encoder of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"No preset {name!r}; there are {', '.join(PRESETS)}.")
    return PRESETS[name](study, encoder)
