"""What a search may vary, how it is written down, and the commands that come out of it."""

from __future__ import annotations

import shlex

import pytest
import tyro

from core.config.command import command_of
from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.config.search import SearchConfig
from core.config.space import Dimension, default_space, leaves, propose, value_of, with_values
from core.errors import ConfigError

ORTHOGONAL = preset("orthogonal", study="tiny", encoder="lite")
RATE = Dimension(path="training.learning_rate", kind="log", low=1e-4, high=1e-2)


def search(**changes: object) -> SearchConfig:
    return SearchConfig(**{"name": "s", "base": ORTHOGONAL, "space": (RATE,), **changes})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("training.learning_rat=log:1:2", "training.learning_rate"),
        ("head.deep.er=log:1:2", "head.layers"),
        ("nothing=log:1:2", "objective.temperature"),
        ("training=log:1:2", "No setting 'training'"),
        ("seed=int:1:2", "luck"),
        ("study=choice:a,b", "cannot be compared"),
        ("evaluation.replicates=int:10:20", "judged on validation"),
        ("training.learning_rate=log:0:1", "log scale"),
        ("training.learning_rate=log:1:0.1", "higher end"),
        ("training.learning_rate=log:1e-3:11", "between 1e-08 and 10"),
        ("training.learning_rate=int:1:2", "log or float or choice"),
        ("training.learning_rate=log:a:b", "no dimension"),
        ("training.learning_rate", "no dimension"),
        ("training.batch_size=int:1.5:3", "whole"),
        ("training.batch_size=log:1:3", "int or choice"),
        ("training.batch_size=choice:16", "two or more"),
        ("training.batch_size=choice:16,16", "each once"),
        ("training.batch_size=choice:16,big", "must be int"),
        ("training.keep=choice:last,first", "'last', 'best'"),
        ("objective.learn_temperature=choice:true,2", "must be bool"),
        ("prompts.positive=choice:a,b", "No setting"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Dimension.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "training.learning_rate=log:0.0001:0.01",
        "head.dropout=float:0:0.5",
        "head.layers=int:1:3",
        "training.batch_size=choice:16,32",
        "training.keep=choice:last,best",
        "objective.learn_temperature=choice:true,false",
    ],
)
def test_a_dimension_is_written_and_read(text: str) -> None:
    assert Dimension.parse(text).text == text
    assert Dimension.from_json(Dimension.parse(text).to_json()) == Dimension.parse(text)


def test_values_are_put_in_all_at_once() -> None:
    """A width of 250 fits no 4 heads, but 5; each alone would be refused."""
    made = with_values(ORTHOGONAL, {"head.width": 250, "head.attention_heads": 5, "training.learning_rate": 1})
    assert (made.head.width, made.head.attention_heads, made.training.learning_rate) == (250, 5, 1.0)
    assert made.replace(head=ORTHOGONAL.head, training=ORTHOGONAL.training) == ORTHOGONAL
    with pytest.raises(ConfigError, match="multiple of the heads"):
        with_values(ORTHOGONAL, {"head.width": 250})


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "zero-shot"])
def test_the_default_space_lies_around_the_base(name: str) -> None:
    base = preset(name, study="tiny", encoder="lite")
    space = {one.path: one for one in default_space(base)}
    weights = {path.removeprefix("objective.") for path in space if path.startswith("objective.")} - {"temperature"}
    assert {"training.learning_rate", "training.batch_size", "training.weight_decay"} <= set(space)
    # the weight of a single loss only scales the gradient, which the learning rate does already
    assert weights == (set(base.objective.weights) if len(base.objective.weights) > 1 else set())
    assert ("objective.temperature" in space) == ("contrastive" in base.objective.weights)
    for path, one in space.items():
        now = value_of(base, path)
        assert now in one.choices if one.kind == "choice" else one.low <= now <= one.high  # type: ignore[operator]
    search(base=base, space=tuple(space.values()))
    search(base=base, space=default_space(base, weights=False), judged="loss" if name == "linear" else "auroc")


def test_every_setting_has_a_proposal_or_none() -> None:
    for path in leaves():
        if path.startswith("encoder."):
            continue
        one = propose(ORTHOGONAL, path)
        assert one.path == path and Dimension.parse(one.text) == one


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"space": ()}, "no settings"),
        ({"space": (RATE, RATE)}, "each once"),
        ({"name": "../x"}, "cannot name a search"),
        ({"trials": 0}, "trials"),
        ({"base": preset("zero-shot", study="tiny", encoder="lite")}, "trains nothing"),
        ({"judged": "test"}, "'auroc', 'loss'"),
        ({"judged": "loss", "space": (Dimension.parse("objective.graph=float:0:1"),)}, "mean different things"),
        ({"judged": "loss", "space": (Dimension.parse("training.batch_size=choice:16,32"),)}, "batch_size"),
        ({"pruner": "hyperband", "space": (Dimension.parse("training.epochs=int:1:3"),)}, "Hyperband"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        search(**changes)


def test_a_search_travels_as_json() -> None:
    made = search(space=default_space(ORTHOGONAL))
    assert SearchConfig.from_json(made.to_json()) == made


def test_only_the_number_of_trials_may_change() -> None:
    search().check_same(search(trials=99))
    with pytest.raises(ConfigError, match="another sampler, seed"):
        search().check_same(search(seed=1, sampler="random"))


@pytest.mark.parametrize("name", PRESETS)
def test_the_command_makes_the_same_run(name: str) -> None:
    base = preset(name, study="tiny", encoder="lite")
    config = with_values(
        base,
        {
            "training.learning_rate": 0.00123456789012345,
            "training.batch_size": 7,
            "objective.learn_temperature": False,
            "label": "it's · mine",
            "prompts.positive": ["a {finding}", "b {finding}"],
        },
    )
    assert run_of(command_of(config)) == config
    assert command_of(base) == f"python -m scripts.run --preset {name} --study tiny --encoder lite"


def run_of(command: str) -> RunConfig:
    """What scripts.run makes of a command."""
    words = shlex.split(command)[3:]
    given = dict(zip(words[:6:2], words[1:6:2], strict=True))
    start = preset(given["--preset"], study=given["--study"], encoder=given["--encoder"])
    return tyro.cli(RunConfig, default=start, args=words[6:])
