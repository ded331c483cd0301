"""Named experiments: each is a function that returns the settings of a run."""

from __future__ import annotations

from collections.abc import Callable

from core.config.augmentation import AugmentationConfig
from core.config.encoders import resolve_encoder
from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, RunConfig, TrainingConfig
from core.config.tuning import TuningConfig
from core.errors import ConfigError

LINEAR_ON_BOTH = HeadConfig(kind="projection", layers=0, width=512, dropout=0.0)


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


def long_tail(study: str, encoder: str) -> RunConfig:
    """Disease tokens with the asymmetric loss, in which easy absent cells count little: for rare findings."""
    return RunConfig(
        study=study,
        preset="long-tail",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="disease-tokens", dropout=0.4),
        objective=ObjectiveConfig(
            classification=1.0, classification_form="asymmetric", contrastive=1.0, orthogonal=1.0
        ),
        training=TrainingConfig(epochs=20, keep="best"),
    )


def lora(study: str, encoder: str) -> RunConfig:
    """LoRA adapters in both towers, image-text contrastive with a learned temperature: little to store, all of the
    model can move."""
    return RunConfig(
        study=study,
        preset="lora",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="projection", dropout=0.0),
        tuning=TuningConfig(image="lora", text="lora", learning_rate=1e-4),
        objective=ObjectiveConfig(contrastive=1.0),
        training=TrainingConfig(epochs=5, batch_size=32, keep="best"),
    )


def fine_tune(study: str, encoder: str) -> RunConfig:
    """The last two blocks of the image tower learn, the upper one first, each block slower than the one above it; a
    linear classifier on top."""
    return RunConfig(
        study=study,
        preset="fine-tune",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="linear"),
        tuning=TuningConfig(image="last-blocks", blocks=2, unfreeze_at=(0, 2), learning_rate=5e-5, layer_decay=0.75),
        objective=ObjectiveConfig(classification=1.0),
        training=TrainingConfig(epochs=6, batch_size=32, keep="best"),
    )


def from_scratch(study: str, encoder: str) -> RunConfig:
    """All of the image tower learns, on changed radiographs and at a rate for one that starts from nothing; a linear
    classifier on top."""
    return RunConfig(
        study=study,
        preset="from-scratch",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="linear"),
        tuning=TuningConfig(image="everything", learning_rate=1e-3),
        augmentation=AugmentationConfig(crop=0.85, rotation=7.0, noise=6.0),
        objective=ObjectiveConfig(classification=1.0),
        training=TrainingConfig(epochs=30, batch_size=32, keep="best"),
    )


def biobert_resnet50_triplet(study: str, encoder: str) -> RunConfig:
    """System A, first: two towers that never met, a linear layer on each, triplet margin loss with negatives by
    permutation; everything learns."""
    return RunConfig(
        study=study,
        preset="biobert-resnet50-triplet",
        encoder=resolve_encoder(encoder),
        head=LINEAR_ON_BOTH,
        tuning=TuningConfig(image="everything", text="everything", learning_rate=2e-5),
        objective=ObjectiveConfig(contrastive=1.0, contrastive_form="triplet", negatives="random", margin=1.0),
        training=TrainingConfig(epochs=3, batch_size=16),
    )


def clip_no_grad(study: str, encoder: str) -> RunConfig:
    """System A, second, the "no grad mode": both towers frozen, a linear layer on each learns from images and texts."""
    return RunConfig(
        study=study,
        preset="clip-no-grad",
        encoder=resolve_encoder(encoder),
        head=LINEAR_ON_BOTH,
        objective=ObjectiveConfig(contrastive=1.0),
        training=TrainingConfig(epochs=30),
    )


def clip_image_frozen(study: str, encoder: str) -> RunConfig:
    """System A, third: the image tower locked, the whole text tower learns to meet it (LiT; Zhai et al., CVPR 2022)."""
    return RunConfig(
        study=study,
        preset="clip-image-frozen",
        encoder=resolve_encoder(encoder),
        tuning=TuningConfig(text="everything", learning_rate=1e-5),
        objective=ObjectiveConfig(contrastive=1.0, temperature=0.01),
        training=TrainingConfig(epochs=3, batch_size=32),
    )


AS_IN_B = TrainingConfig(epochs=6, batch_size=100, learning_rate=2e-5, weight_decay=1e-4, warmup=0.1, clip_norm=1.0)


def alignment_visual(study: str, encoder: str) -> RunConfig:
    """System B, the visual branch only: disease tokens and a shared classifier, trained as there (made for studies of
    100,000 radiographs; on small ones raise the learning rate)."""
    return RunConfig(
        study=study,
        preset="alignment-visual",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="disease-tokens", width=512),
        objective=ObjectiveConfig(classification=1.0),
        training=AS_IN_B,
    )


def alignment(study: str, encoder: str) -> RunConfig:
    """System B, visual and text branch: classification, per-disease contrastive, orthogonal in its cross-entropy form,
    graph and domain alignment, all with weight 1, trained as there."""
    return RunConfig(
        study=study,
        preset="alignment",
        encoder=resolve_encoder(encoder),
        head=HeadConfig(kind="disease-tokens", width=512),
        objective=ObjectiveConfig(
            classification=1.0,
            contrastive=1.0,
            orthogonal=1.0,
            orthogonal_form="cross-entropy",
            graph=1.0,
            alignment=1.0,
        ),
        training=AS_IN_B,
    )


PRESETS: dict[str, Callable[[str, str], RunConfig]] = {
    "zero-shot": zero_shot,
    "linear": linear,
    "contrastive": contrastive,
    "orthogonal": orthogonal,
    "long-tail": long_tail,
    "lora": lora,
    "fine-tune": fine_tune,
    "from-scratch": from_scratch,
    "biobert-resnet50-triplet": biobert_resnet50_triplet,
    "clip-no-grad": clip_no_grad,
    "clip-image-frozen": clip_image_frozen,
    "alignment-visual": alignment_visual,
    "alignment": alignment,
    "contrastive-normalised-logits": contrastive_normalised_logits,
}

ENCODER_OF = {
    "from-scratch": "custom",
    "biobert-resnet50-triplet": "biobert-resnet50",
    "clip-no-grad": "clip",
    "clip-image-frozen": "clip",
    "alignment-visual": "clip",
    "alignment": "clip",
}
"""The encoder that a preset starts with, where it is not ``lite``; any other can be given."""


def preset(name: str, *, study: str, encoder: str = "") -> RunConfig:
    """The settings of the named experiment.

    Args:
        encoder: a key (see ``resolve_encoder``); the preset's own where it is empty.

    Raises:
        ConfigError: no preset or encoder of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"No preset {name!r}; there are {', '.join(PRESETS)}.")
    return PRESETS[name](study, encoder or ENCODER_OF.get(name, "lite"))
