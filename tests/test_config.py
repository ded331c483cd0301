"""Settings: they travel as JSON unchanged, and what is not allowed is refused with its name."""

from __future__ import annotations

import dataclasses
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, get_args

import pytest
import tyro

from core.config.augmentation import AugmentationConfig
from core.config.base import settings_of
from core.config.encoders import DESCRIPTIONS, ENCODERS, LITE, RANDOM, EncoderConfig, TowerConfig, resolve_encoder
from core.config.objective import (
    ALL_LOSSES,
    CLASSIFICATION_FORMS,
    CONTRASTIVE_FORMS,
    LOSSES,
    PAIRED,
    ClassificationForm,
    ObjectiveConfig,
)
from core.config.presets import PRESETS, preset
from core.config.run import HeadConfig, PromptConfig, RunConfig, TrainingConfig
from core.config.tuning import TuningConfig
from core.errors import ConfigError


def a_run(**changes: Any) -> RunConfig:
    return preset("orthogonal", study="demo", encoder="lite").replace(**changes)


@pytest.mark.parametrize("encoder", [*ENCODERS, "ViT-B-16/laion2b_s34b_b88k", "hf-hub:org/name"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_json(name: str, encoder: str) -> None:
    made = preset(name, study="demo", encoder=encoder)
    made.check()
    again = RunConfig.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False)))
    assert again == made
    assert again.prompts.positive == made.prompts.positive and isinstance(again.prompts.positive, tuple)
    assert again.to_json() == made.to_json()
    assert made.preset == name and made.title == f"{name} · {encoder}"


def test_every_setting_makes_a_difference_in_json() -> None:
    """Two runs that differ in one setting differ in what is stored (a cache key, a folder's config)."""
    base = a_run()
    for field in dataclasses.fields(TrainingConfig):
        value = getattr(base.training, field.name)
        rule = settings_of(field)
        words = {"keep": "best", "optimiser": "sgd", "precision": "bf16", "compiled": True, "snapshot_epochs": (1, 3)}
        other = words.get(field.name) or type(value)(rule.low if value != rule.low else rule.high)
        changed = base.replace(training=base.training.replace(**{field.name: other}))
        assert changed.to_json() != base.to_json(), field.name
        assert RunConfig.from_json(changed.to_json()) == changed


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("head", "width"), 1, "HeadConfig.width"),
        (("head", "width"), 5000, "HeadConfig.width"),
        (("head", "width"), 8.0, "HeadConfig.width"),
        (("head", "width"), True, "HeadConfig.width"),
        (("head", "width"), "256", "HeadConfig.width"),
        (("head", "width"), None, "HeadConfig.width"),
        (("head", "kind"), "transformer", "HeadConfig.kind"),
        (("head", "kind"), [], "HeadConfig.kind"),
        (("head", "dropout"), 1.0, "HeadConfig.dropout"),
        (("objective", "classification"), -0.1, "ObjectiveConfig.classification"),
        (("objective", "temperature"), 0.0, "ObjectiveConfig.temperature"),
        (("objective", "temperature"), float("nan"), "ObjectiveConfig.temperature"),
        (("objective", "learn_temperature"), 1, "ObjectiveConfig.learn_temperature"),
        (("training", "learning_rate"), float("inf"), "TrainingConfig.learning_rate"),
        (("training", "epochs"), -1, "TrainingConfig.epochs"),
        (("training", "batch_size"), 0, "TrainingConfig.batch_size"),
        (("prompts", "positive"), "one {finding}", "PromptConfig.positive"),
        (("prompts", "positive"), [1], "PromptConfig.positive"),
        (("projection", "neighbours"), 1, "ProjectionConfig.neighbours"),
        (("evaluation", "threshold_rule"), "best", "EvaluationConfig.threshold_rule"),
        (("seed",), -1, "RunConfig.seed"),
        (("study",), 3, "RunConfig.study"),
        (("encoder", "image", "family"), "torch", "TowerConfig.family"),
    ],
)
def test_a_bad_value_is_refused_by_name(path: tuple[str, ...], value: Any, named: str) -> None:
    data = a_run().to_json()
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(ConfigError, match=named):
        RunConfig.from_json(data)


def test_unknown_missing_and_misplaced() -> None:
    data = a_run().to_json()
    with pytest.raises(ConfigError, match=r"HeadConfig does not know \['widht'\]; it knows .*'width'"):
        RunConfig.from_json({**data, "head": {**data["head"], "widht": 3}})
    with pytest.raises(ConfigError, match=r"'study'"):
        RunConfig.from_json({key: value for key, value in data.items() if key != "study"})
    with pytest.raises(ConfigError, match="TrainingConfig needs a JSON object, got NoneType"):
        RunConfig.from_json({**data, "training": None})
    with pytest.raises(ConfigError, match="RunConfig needs a JSON object, got list"):
        RunConfig.from_json([data])
    # what an older run does not say takes its default
    assert RunConfig.from_json({key: value for key, value in data.items() if key != "projection"}) == a_run()


def test_configs_are_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HeadConfig().width = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        HeadConfig("linear")  # type: ignore[call-arg,misc]
    with pytest.raises(ConfigError, match=r"HeadConfig\.layers"):
        HeadConfig().replace(layers=-1)
    assert HeadConfig().replace(layers=2).layers == 2


def test_an_int_may_stand_for_a_float_but_not_the_other_way() -> None:
    assert TrainingConfig(learning_rate=1) == TrainingConfig.from_json({"learning_rate": 1})
    assert isinstance(TrainingConfig.from_json({"learning_rate": 1}).learning_rate, float)


def learning(kind: str) -> TuningConfig:
    """Without a head, something else has to learn."""
    return TuningConfig(text="everything") if kind == "none" else TuningConfig()


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_loss_that_a_head_cannot_learn_from(kind: str, loss: str) -> None:
    head, objective = HeadConfig(kind=kind, private=8), ObjectiveConfig(**{loss: 1.0})
    run = a_run(head=head, objective=objective, tuning=learning(kind), augmentation=AugmentationConfig(noise=5))
    if loss in LOSSES[kind]:
        run.check()
    else:
        with pytest.raises(ConfigError, match=rf"ObjectiveConfig\.{loss} .* head of kind"):
            run.check()
    run.replace(training=TrainingConfig(epochs=0)).check()  # nothing is trained, so nothing is asked of the head


@pytest.mark.parametrize("kind", CONTRASTIVE_FORMS)
@pytest.mark.parametrize("form", [*PAIRED, "normalised-logits"])
def test_a_contrastive_form_that_a_head_cannot_learn_from(kind: str, form: str) -> None:
    objective = ObjectiveConfig(contrastive=1.0, contrastive_form=form)
    run = a_run(head=HeadConfig(kind=kind), objective=objective, tuning=learning(kind))
    if form in CONTRASTIVE_FORMS[kind]:
        run.check()
    else:
        with pytest.raises(ConfigError, match=rf"contrastive_form is '{form}', but a head of kind '{kind}' .*info-nce"):
            run.check()
    run.replace(training=TrainingConfig(epochs=0)).check()
    a_run(objective=ObjectiveConfig(classification=1.0, contrastive_form=form)).check()  # its weight is 0


def test_what_of_the_towers_learns_fits_the_head() -> None:
    contrastive = ObjectiveConfig(contrastive=1.0)
    with pytest.raises(ConfigError, match=r"both towers frozen, so nothing can learn"):
        a_run(head=HeadConfig(kind="none"), objective=contrastive).check()
    with pytest.raises(ConfigError, match=r"a linear head keeps the prompts as its class weights"):
        a_run(head=HeadConfig(kind="linear"), objective=contrastive, tuning=TuningConfig(text="lora")).check()
    parting = ObjectiveConfig(orthogonal=1.0)
    with pytest.raises(ConfigError, match=r"without a head, the text tower has to learn"):
        a_run(head=HeadConfig(kind="none"), objective=parting, tuning=TuningConfig(image="everything")).check()


def test_two_views_need_changes_and_no_mixing() -> None:
    both = ObjectiveConfig(views=1.0, classification=1.0)
    for bad, words in (
        (AugmentationConfig(), "one view of each"),
        (AugmentationConfig(noise=5, views=1), "one view of each"),
        (AugmentationConfig(noise=5, mixup=0.2), "mixes several"),
    ):
        with pytest.raises(ConfigError, match=words):
            a_run(objective=both, augmentation=bad).check()
    a_run(objective=both, augmentation=AugmentationConfig(noise=5)).check()
    learning_tower = TuningConfig(image="everything")
    a_run(objective=both, augmentation=AugmentationConfig(noise=5, views=1), tuning=learning_tower).check()


@pytest.mark.parametrize("epochs", [(2, 1), (1, 1), (-1,)])
def test_epochs_of_unfreezing_rise(epochs: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"unfreeze_at is \[.*rising order"):
        TuningConfig(unfreeze_at=epochs)


@pytest.mark.parametrize("kind", CLASSIFICATION_FORMS)
@pytest.mark.parametrize("form", get_args(ClassificationForm))
def test_a_classification_form_that_a_head_cannot_learn_from(kind: str, form: str) -> None:
    run = a_run(head=HeadConfig(kind=kind), objective=ObjectiveConfig(classification=1.0, classification_form=form))
    if form in CLASSIFICATION_FORMS[kind]:
        run.check()
    else:
        with pytest.raises(ConfigError, match=rf"classification_form is '{form}', but a head of kind '{kind}' .*bce"):
            run.check()
    run.replace(training=TrainingConfig(epochs=0)).check()
    assert CLASSIFICATION_FORMS.keys() == {kind for kind, losses in LOSSES.items() if "classification" in losses}


def test_settings_that_do_not_fit_together() -> None:
    with pytest.raises(ConfigError, match=r"HeadConfig\.layers is 0"):
        HeadConfig(kind="disease-tokens", layers=0)
    with pytest.raises(ConfigError, match=r"HeadConfig\.width is 250 and attention_heads 4: .*multiple"):
        HeadConfig(kind="disease-tokens", width=250)
    assert HeadConfig(kind="disease-tokens", width=250, attention_heads=5).width == 250
    assert HeadConfig(kind="linear", width=250).width == 250  # it has no attention heads
    with pytest.raises(ConfigError, match=r"subspaces is 1, but HeadConfig\.private is 0, .*a width such as 64"):
        a_run(head=HeadConfig(kind="projection"), objective=ObjectiveConfig(subspaces=1.0)).check()
    for bad in ((), ("chest x-ray",), ("{finding}", "no {findings}")):
        with pytest.raises(ConfigError, match=r"PromptConfig\.negative"):
            a_run(prompts=PromptConfig(negative=bad)).check()


def test_tyro_makes_the_command_line() -> None:
    default = a_run()
    assert tyro.cli(RunConfig, default=default, args=[]) == default
    changed = tyro.cli(
        RunConfig,
        default=default,
        args=[
            *["--head.width", "64", "--training.learning-rate", "0.01", "--objective.no-learn-temperature"],
            *["--objective.orthogonal-form", "absolute", "--prompts.positive", "{finding}", "--label", "x"],
        ],
    )
    assert changed == default.replace(
        label="x",
        head=default.head.replace(width=64),
        training=default.training.replace(learning_rate=0.01),
        objective=default.objective.replace(learn_temperature=False, orthogonal_form="absolute"),
        prompts=default.prompts.replace(positive=("{finding}",)),
    )
    with pytest.raises(ConfigError, match=r"HeadConfig\.width is 1;"):
        tyro.cli(RunConfig, default=default, args=["--head.width", "1"])


def test_help_of_every_setting_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "600")
    shown = io.StringIO()
    with redirect_stdout(shown), pytest.raises(SystemExit):
        tyro.cli(RunConfig, default=a_run(), args=["--help"])
    words = " ".join("".join(c for c in shown.getvalue() if c not in "│╭╮╰╯─-").split())

    def check(cls: Any) -> None:
        for field in dataclasses.fields(cls):
            help_ = settings_of(field).help
            assert help_, f"{cls.__name__}.{field.name} has no help"
            value = getattr(default, field.name, None) if cls is RunConfig else None
            if dataclasses.is_dataclass(value):
                check(type(value))
            assert " ".join(help_.replace("-", "").split()) in words, f"{cls.__name__}.{field.name}"

    default = a_run()
    check(RunConfig)


def test_resolve_encoder(tmp_path: Path) -> None:
    for key, made in ENCODERS.items():
        assert resolve_encoder(key) is made and made.key == key and DESCRIPTIONS[key]
    hub = resolve_encoder("hf-hub:org/name")
    tower = TowerConfig(family="open_clip", name="hf-hub:org/name")
    assert hub == EncoderConfig(key="hf-hub:org/name", image=tower, text=tower) and hub.aligned
    named = resolve_encoder("ViT-B-16/laion2b_s34b_b88k")
    assert (named.image.name, named.text.pretrained) == ("ViT-B-16", "laion2b_s34b_b88k")
    folder = tmp_path / "my model"
    folder.mkdir()
    with pytest.raises(ConfigError, match="my model"):
        resolve_encoder(str(folder))
    (folder / "open_clip_config.json").write_text("{}")
    for key in (str(folder), f"local-dir:{folder}"):
        local = resolve_encoder(key)
        assert (local.key, local.image.name) == ("my model", f"local-dir:{folder.resolve()}")


def test_any_image_tower_with_any_text_tower(tmp_path: Path) -> None:
    biobert = "timm:resnet50.a1_in1k+bert:dmis-lab/biobert-base-cased-v1.2"
    made, named = resolve_encoder(biobert), ENCODERS["biobert-resnet50"]
    assert (made.image, made.text) == (named.image, named.text) and not made.aligned
    mixed = resolve_encoder("ViT-B-16/openai+lite")
    assert mixed.image == TowerConfig(family="open_clip", name="ViT-B-16", pretrained="openai") and mixed.text == LITE
    assert resolve_encoder("clip+clip").aligned and not resolve_encoder("clip+biomedclip").aligned
    alone = resolve_encoder("timm:resnet18/random")
    assert (alone.image.name, alone.image.pretrained, alone.text) == ("resnet18", RANDOM, LITE)
    transformers = resolve_encoder("clip:openai/clip-vit-base-patch32")
    assert transformers.aligned and transformers.image.name == "openai/clip-vit-base-patch32"
    (tmp_path / "berts").mkdir()
    assert resolve_encoder(f"lite+bert:{tmp_path}/berts").text.name == f"local-dir:{tmp_path}/berts"


def test_the_side_of_the_input_does_not_part_two_towers() -> None:
    clip = ENCODERS["clip"]
    assert clip.replace(image=clip.image.replace(side=128)).aligned


def test_a_tower_on_the_wrong_side() -> None:
    bert = ENCODERS["biobert-resnet50"]
    with pytest.raises(ConfigError, match="'bert' has no image tower"):
        EncoderConfig(key="x", image=bert.text, text=bert.text)
    with pytest.raises(ConfigError, match="'timm' has no text tower"):
        EncoderConfig(key="x", image=bert.image, text=bert.image)


def test_configs_of_one_name_are_understood() -> None:
    old = {"key": "clip", "family": "open_clip", "name": "ViT-B-32", "pretrained": "openai"}
    assert EncoderConfig.from_json(old) == ENCODERS["clip"]


@pytest.mark.parametrize(
    "key", ["bert:x/y", "lite+timm:resnet18", "timm:+lite", "lite+", "+lite", "nothing:x+lite", "lite:x"]
)
def test_no_such_pair(key: str) -> None:
    with pytest.raises(ConfigError, match=r"IMAGE\+TEXT"):
        resolve_encoder(key)


@pytest.mark.parametrize("key", ["", "lit", "Lite", "/", "/etc", "a/", "/a", "../x", "./x/y", "~/x", "local-dir:/x"])
def test_no_encoder(key: str) -> None:
    with pytest.raises(ConfigError, match="lite, clip, biomedclip"):
        resolve_encoder(key)


def test_no_preset() -> None:
    with pytest.raises(ConfigError, match="zero-shot, linear, contrastive, orthogonal"):
        preset("orthogonol", study="demo", encoder="lite")
    with pytest.raises(ConfigError, match="No encoder"):
        preset("linear", study="demo", encoder="x")
