"""The card itself: README.md of a model folder, in the Hugging Face form.

Sections follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.cards.example import example
from core.cards.text_data import data_section
from core.cards.text_results import results_section, thresholds_section
from core.cards.wording import bullets, escaped, number
from core.config.encoders import EncoderConfig, TowerConfig
from core.config.model import ModelConfig
from core.metrics.thresholds import Threshold

Values = Mapping[str, Any]


def card(config: ModelConfig, thresholds: Mapping[str, Threshold], results: Values) -> str:
    """The whole text; the same for the same run."""
    sections = [
        _front(config, results),
        f"# {escaped(config.title)}",
        _about(config, results),
        _use(),
        data_section(results["study"], config),
        _preprocessing(config, results["study"]),
        _training(config, results["training"]),
        results_section(results["evaluation"], results["study"]),
        thresholds_section(thresholds),
        _loading(config, list(thresholds), results["study"]),
        _again(results),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _front(config: ModelConfig, results: Values) -> str:
    """YAML; every value is written as JSON, which is YAML too, so that no name can break it."""
    lines: list[tuple[str, Any]] = [
        ("license", "other"),
        ("library_name", "fluoroscope"),
        ("pipeline_tag", "zero-shot-image-classification"),
        ("tags", ["chest-x-ray", "radiology", "embeddings", "research-only", config.preset]),
        ("model-index", [{"name": config.title, "results": _index(results)}]),
    ]
    return "\n".join(["---", *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in lines), "---"])


def _index(results: Values) -> list[dict[str, Any]]:
    test = results["evaluation"]["test"]
    if test is None or test["macro"]["auroc"]["value"] is None:
        return []
    study = results["study"]
    return [
        {
            "task": {"type": "image-classification", "name": "findings of chest radiographs"},
            "dataset": {"type": study["source"], "name": study["title"], "split": "test"},
            "metrics": [{"type": "roc_auc", "name": "macro AUROC", "value": test["macro"]["auroc"]["value"]}],
        }
    ]


def _about(config: ModelConfig, results: Values) -> str:
    encoder, head = config.encoder, config.head
    study, training = results["study"], results["training"]
    synthetic = " **Synthetic data: it says nothing about clinical performance.**" if study["synthetic"] else ""
    told = [
        f"A model of radiographs and text, made with Fluoroscope from the preset `{config.preset}`.{synthetic}",
        "",
        *bullets(
            f"Image tower: {_tower(encoder.image)}; learned: {_learned(config.tuning.image)}; "
            f"weights {config.weights.image}",
            f"Text tower: {_tower(encoder.text)}; learned: {_learned(config.tuning.text)}; "
            f"weights {config.weights.text}",
            f"Head: {head.kind}{f', width {head.width}' if head.kind in ('projection', 'disease-tokens') else ''}"
            + (", the towers alone" if head.kind == "none" else ""),
            f"Made on {training['made']}; Fluoroscope at commit {training['provenance']['git_commit'] or 'unknown'}",
            "Licence: that of the towers and of the data, which is for you to check",
        ),
        "",
        "This folder holds what was learned. Weights of the towers that did not change are not in it: they come from "
        "their own sources, and loading compares them with the hashes above."
        + (" Towers marked *own folder* came from a folder of whoever made this." if _from_folder(encoder) else ""),
    ]
    return "\n".join(told)


def _tower(tower: TowerConfig) -> str:
    name = "*own folder*" if tower.name == "local-dir:" else f"`{tower.name}`"
    tag = f", weights `{tower.pretrained}`" if tower.pretrained else ""
    side = f", input {tower.side} pixels" if tower.side else ""
    return f"{name} ({tower.family}{tag}{side})"


def _from_folder(encoder: EncoderConfig) -> bool:
    return "local-dir:" in (encoder.image.name, encoder.text.name)


def _learned(what: str) -> str:
    return {"nothing": "nothing, frozen", "last-blocks": "its last blocks", "lora": "LoRA adapters"}.get(what, what)


def _use() -> str:
    return "\n".join(
        [
            "## Intended use and limits",
            "",
            "For research on embeddings of radiographs and text. **Not for diagnosis, triage, or any decision about a "
            "patient**: it is no medical device, and was evaluated on the data below alone.",
            "",
            *bullets(
                "Numbers hold for the test split below; other hospitals, devices, ages and label definitions differ.",
                "Labels of large public sets are often mined from reports, and are wrong in part.",
                "A probability is not the chance of a disease in your patients: see calibration below.",
                "Subgroups: their sizes stand below; gaps between them were not measured for this card.",
            ),
        ]
    )


def _preprocessing(config: ModelConfig, study: Values) -> str:
    side = config.encoder.image.side
    return "\n".join(
        [
            "## Preprocessing",
            "",
            f"Radiographs are windowed to 8 bit, bone white, and brought to {study['size']} x {study['size']} pixels "
            f"(fit: {study['fit']}). The image tower then takes its own input "
            f"{f'of {side} pixels ' if side else ''}with its own mean and deviation, by bicubic interpolation with "
            "antialiasing. Text goes through the text tower's own tokenizer.",
            "",
            "Prompts, averaged over templates and normalised:",
            "",
            *bullets(*(f"present: {escaped(own)}" for own in config.prompts.positive)),
            *bullets(*(f"absent: {escaped(own)}" for own in config.prompts.negative)),
        ]
    )


def _training(config: ModelConfig, training: Values) -> str:
    loop, losses = config.training, config.objective.weights
    if not training["trained"]:
        return "## Training\n\nNothing was trained: the towers are as they come."
    seconds = "" if training["seconds"] is None else f", {number(training['seconds'], 0)} s"
    others = ["It began with the weights of another run, which are in it"] if training["began_with_others"] else []
    return "\n".join(
        [
            "## Training",
            "",
            *bullets(
                "Losses and weights: " + ", ".join(f"{name} {value:g}" for name, value in losses.items()),
                f"{loop.epochs} epochs, batches of {loop.batch_size}, {loop.optimiser}, peak learning rate "
                f"{loop.learning_rate:g} (towers {config.tuning.learning_rate:g}), weight decay {loop.weight_decay:g}, "
                f"warm-up {loop.warmup:g}, then cosine; kept: the {loop.keep} weights",
                f"Seed {config.seed}",
                f"Hardware: {training['device'] or 'not recorded'}{seconds}",
                "All settings: config.json",
                *others,
            ),
        ]
    )


def _loading(config: ModelConfig, labels: Sequence[str], study: Values) -> str:
    folder = " --encoder FOLDER" if _from_folder(config.encoder) else ""
    return "\n".join(
        [
            "## How to load it",
            "",
            "In Fluoroscope, on a study of yours; every file is checked, none is unpickled:",
            "",
            f"```sh\npython -m scripts.embed THIS_FOLDER --study NAME{folder}\n```",
            "",
            _bound(config, labels),
            "",
            "Without Fluoroscope, with `numpy` and `safetensors` alone, from within this folder:",
            "",
            f"```python\n{example(config)}\n```",
        ]
    )


def _bound(config: ModelConfig, labels: Sequence[str]) -> str:
    if config.head.kind in ("linear", "disease-tokens"):
        return f"Its head knows its own {len(labels)} findings alone: those that your study lacks are unknown there."
    return "It is asked for the findings of your study, by prompts."


def _again(results: Values) -> str:
    made = results["training"]["provenance"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(made["packages"].items()))
    return "\n".join(
        [
            "## How to make it again",
            "",
            f"```sh\n{results['training']['command']}\n```",
            "",
            f"With Python {made['python']}, {versions}.",
        ]
    )
