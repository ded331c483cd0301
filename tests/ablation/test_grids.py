"""Grids: named, crossed with settings from the command line, refused where a configuration cannot work."""

from __future__ import annotations

import json

import pytest

from core.ablation.grids import GRIDS, ablation
from core.config.ablation import AblationConfig, Variant
from core.config.paths import changed, differing, parse, settings, shown
from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.errors import ConfigError


def labels(config: AblationConfig) -> list[str]:
    return [variant.label for variant in config.variants]


def runs(config: AblationConfig) -> list[RunConfig]:
    return [variant.run for variant in config.variants]


def base() -> RunConfig:
    return preset("orthogonal", study="demo", encoder="lite")


@pytest.mark.parametrize("name", [*GRIDS, *PRESETS])
def test_every_grid_can_work_and_survives_json(name: str) -> None:
    made = ablation(name, study="x", seeds=(3, 1))
    assert AblationConfig.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made
    for label, seed, run in made.cells():
        run.check()
        assert run.seed == seed and run.study == "x" and label in run.label and made.name in run.label
    assert len(list(made.cells())) == 2 * len(made.variants)
    assert [seed for _, seed, _ in made.cells()] == [3] * len(made.variants) + [1] * len(made.variants)


def test_the_demo_grid() -> None:
    made = ablation("demo")
    assert (made.name, made.study, made.seeds, labels(made)) == (
        "demo",
        "demo",
        (0, 1, 2),
        ["linear", "orthogonal", "contrastive"],
    )
    assert runs(made)[1].replace(label="") == base()
    assert differing(runs(made)[:1]) == () and "head.kind" in differing(runs(made))


def test_the_grid_of_losses_takes_each_away_once() -> None:
    made = ablation("alignment-losses", study="nih")
    weights = {variant.label: set(variant.run.objective.weights) for variant in made.variants}
    losses = {"classification", "contrastive", "orthogonal", "graph", "alignment", "consistency", "vector"}
    assert weights["visual only · clip"] == {"classification"} and weights["visual + text · lite"] == losses
    assert len(made.variants) == 3 * (2 + len(losses))
    for loss in losses:
        assert weights[f"without {loss} · biomedclip"] == losses - {loss}
    alone = ablation("alignment-losses", vary={"encoder": ["lite"]})
    assert labels(alone)[:2] == ["visual only", "visual + text"]
    assert set(differing(runs(alone)[1:])) == {f"objective.{loss}" for loss in losses}


def test_a_preset_brings_its_own_encoder() -> None:
    assert ablation("alignment").variants[0].run.encoder.key == "clip"
    assert ablation("alignment", vary={"encoder": ["lite"]}).variants[0].run.encoder.key == "lite"
    assert not set(GRIDS) & set(PRESETS)


def test_a_free_grid_crosses_all_values() -> None:
    vary = {"objective.orthogonal": ["0", "1"], "encoder": ["clip", "biomedclip"], "training.epochs": ["2"]}
    made = ablation("orthogonal", study="x", seeds=(0,), vary=vary)
    assert labels(made) == [
        "orthogonal · clip · orthogonal 0",
        "orthogonal · clip · orthogonal 1",
        "orthogonal · biomedclip · orthogonal 0",
        "orthogonal · biomedclip · orthogonal 1",
    ]
    assert differing(runs(made)) == ("encoder", "objective.orthogonal")
    assert [run.objective.orthogonal for run in runs(made)] == [0.0, 1.0, 0.0, 1.0]
    assert {run.training.epochs for run in runs(made)} == {2}
    assert made.name == "orthogonal-x-orthogonal-encoder-epochs"


def test_equal_configurations_count_once() -> None:
    made = ablation("alignment-losses", vary={"encoder": ["lite"], "objective.graph": ["0"]})
    assert "without graph" not in labels(made) and "visual + text" in labels(made)


def test_values_that_only_fit_together_are_checked_together() -> None:
    made = ablation("orthogonal", vary={"head.width": ["30"], "head.attention_heads": ["5"]})
    assert (runs(made)[0].head.width, runs(made)[0].head.attention_heads) == (30, 5)


@pytest.mark.parametrize(
    ("path", "word", "value"),
    [
        ("objective.orthogonal", "0.5", 0.5),
        ("objective.orthogonal", "1", 1.0),
        ("head.layers", "2", 2),
        ("head.kind", "linear", "linear"),
        ("objective.learn_temperature", "no", False),
        ("objective.learn_temperature", "True", True),
        ("objective.orthogonal_form", "cross-entropy", "cross-entropy"),
    ],
)
def test_values_are_of_their_settings_type(path: str, word: str, value: object) -> None:
    found = parse(path, word, base())
    assert found == value and type(found) is type(value)
    assert settings(changed(base(), {path: found}))[path] == value


def test_an_encoder_is_one_value() -> None:
    found = parse("encoder", "clip", base())
    made = changed(base(), {"encoder": found})
    assert made.encoder == found and shown(settings(made)["encoder"]) == "clip"
    assert differing([base(), made]) == ("encoder",)


@pytest.mark.parametrize(
    ("preset_name", "vary", "words"),
    [
        ("nope", {}, "No grid or preset 'nope'; there are the grids demo, alignment-losses and the presets zero-shot"),
        (
            "orthogonal",
            {"objective.nope": ["1"]},
            "No setting 'objective.nope' can be varied; there are: enc",
        ),
        ("orthogonal", {"seed": ["1"]}, "No setting 'seed' can be varied"),
        ("orthogonal", {"head.layers": ["1.5"]}, "head.layers is '1.5'; it must be a whole number"),
        ("orthogonal", {"head.kind": ["big"]}, "head.kind is 'big'; it must be one of none, linear"),
        ("orthogonal", {"prompts.positive": ["x"]}, "a list, which cannot be typed here"),
        ("orthogonal", {"objective.learn_temperature": ["maybe"]}, "must be yes or no"),
        ("orthogonal", {"head.layers": ["1", "99"]}, "Configuration 'orthogonal · layers 99' cannot work: HeadConfig"),
        ("linear", {"objective.orthogonal": ["0", "1"]}, "'linear · orthogonal 1' cannot work: ObjectiveConfig.orth"),
        ("linear", {"encoder": ["nope"]}, "No encoder 'nope'"),
        ("linear", {"head.width": []}, "No values are given for head.width"),
    ],
)
def test_what_cannot_work_is_refused_in_words(preset_name: str, vary: dict[str, list[str]], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ablation(preset_name, vary=vary)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": ()}, "one or more"),
        ({"seeds": (1, 1)}, "each once"),
        ({"seeds": (-1,)}, "from 0 on"),
        ({"seeds": tuple(range(400))}, "more than 1,000 runs"),
        ({"name": "../x"}, "cannot name an ablation"),
        ({"variants": ()}, "one or more"),
        ({"study": "other"}, "compare on one study"),
    ],
)
def test_a_grid_that_is_none(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ablation("demo").replace(**changes)


def test_two_configurations_need_two_names() -> None:
    one = Variant(label="a", run=base())
    with pytest.raises(ConfigError, match="a label of its own"):
        AblationConfig(name="x", study="demo", variants=(one, one))
