"""The space of a search: which settings vary, and how far."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Self, Union, get_args, get_origin

from core.config.base import Config, Setting, check_setting, config, hints_of, setting, settings_of
from core.config.run import RunConfig
from core.errors import ConfigError

Kind = Literal["float", "log", "int", "choice"]
Value = str | int | float | bool | None

FIXED: dict[str, str] = {
    "study": "trials on different studies cannot be compared",
    "preset": "a preset is where all settings start from; search over the settings that it sets",
    "label": "it names the trial",
    "mirrors": "it changes nothing that is trained",
    "start_from": "it names the run whose weights a trial begins with",
    "findings": "trials on different findings cannot be compared",
    "seed": "the best seed is luck, which another study does not share",
    "training.snapshots": "it changes nothing that is trained",
    "training.snapshot_epochs": "it changes nothing that is trained",
    "evaluation": "trials are judged on validation, before it takes part",
    "projection": "the map is drawn after a trial is judged",
}
"""What no search may vary, and why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Leaf:
    """One setting of a run: the config class that has it, its name there, its type and its range."""

    owner: type[Config]
    name: str
    hint: Any
    rule: Setting

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """How a search may vary it."""
        own = set(get_args(self.hint)) if get_origin(self.hint) in (Union, types.UnionType) else {self.hint}
        if float in own:
            return ("log", "float", "choice")
        return ("int", "choice") if int in own else ("choice",)


def leaves(owner: type[Config] = RunConfig, prefix: str = "") -> dict[str, Leaf]:
    """Every setting that a search may vary, by its dotted path; lists, such as prompt templates, are none."""
    found: dict[str, Leaf] = {}
    hints = hints_of(owner)
    for field in dataclasses.fields(owner):  # type: ignore[arg-type]
        path, hint = prefix + field.name, hints[field.name]
        if path in FIXED or get_origin(hint) is tuple:
            continue
        if isinstance(hint, type) and issubclass(hint, Config):
            found |= leaves(hint, f"{path}.")
        else:
            found[path] = Leaf(owner=owner, name=field.name, hint=hint, rule=settings_of(field))
    return found


@config
class Dimension(Config):
    """One setting that varies."""

    path: str = setting(help="dotted path, such as training.learning_rate")
    kind: Kind = setting(help="float: evenly between two ends; log: by orders of magnitude; int; choice: of a list")
    low: float | None = setting(default=None, help="lower end, included")
    high: float | None = setting(default=None, help="upper end, included")
    choices: tuple[Value, ...] = setting(default=(), help="of kind choice: what there is to choose from")

    def __post_init__(self) -> None:
        super().__post_init__()
        leaf = _leaf(self.path)
        if self.kind not in leaf.kinds:
            raise ConfigError(f"{self.path} cannot vary as {self.kind!r}; it can as {' or '.join(leaf.kinds)}.")
        self._check_choices() if self.kind == "choice" else self._check_range()
        for value in self.choices if self.kind == "choice" else (self._end(self.low), self._end(self.high)):
            check_setting(leaf.owner, leaf.name, value)

    def _check_choices(self) -> None:
        if len(self.choices) < 2 or len({json.dumps(value) for value in self.choices}) < len(self.choices):
            raise ConfigError(f"{self.path} has the choices {list(self.choices)}; give two or more, each once.")
        if self.low is not None or self.high is not None:
            raise ConfigError(f"{self.path} has choices and a range: give one of the two.")

    def _check_range(self) -> None:
        if self.choices or self.low is None or self.high is None or not self.low < self.high:
            raise ConfigError(
                f"{self.path} of kind {self.kind!r} goes from {self.low} to {self.high}; it needs a lower and a "
                "higher end, and no choices."
            )
        if self.kind == "log" and self.low <= 0:
            raise ConfigError(f"{self.path} goes from {self.low:g} on a log scale, which has no 0: start above it.")
        if self.kind == "int" and (self.low % 1 or self.high % 1):
            raise ConfigError(f"{self.path} goes from {self.low:g} to {self.high:g}; both must be whole numbers.")

    def _end(self, value: float | None) -> float | int | None:
        return int(value) if self.kind == "int" and value is not None else value

    @classmethod
    def parse(cls, text: str) -> Self:
        """A dimension as a command writes it: ``PATH=log:LOW:HIGH``, ``float:``, ``int:`` or ``PATH=choice:A,B``.

        Raises:
            ConfigError: not of that form, or not allowed.
        """
        path, _, rest = text.partition("=")
        kind, _, values = rest.partition(":")
        if kind == "choice":
            return cls(path=path, kind="choice", choices=tuple(_value(one) for one in values.split(",") if one.strip()))
        try:
            low, high = (float(one) for one in values.split(":"))
        except ValueError:
            raise ConfigError(
                f"{text!r} is no dimension; write PATH=log:LOW:HIGH, PATH=float:LOW:HIGH, PATH=int:LOW:HIGH or "
                "PATH=choice:A,B,C, such as training.learning_rate=log:1e-4:1e-2."
            ) from None
        return cls(path=path, kind=typing.cast(Kind, kind), low=low, high=high)

    @property
    def text(self) -> str:
        """What :meth:`parse` reads."""
        if self.kind == "choice":
            return f"{self.path}=choice:" + ",".join(
                one if isinstance(one, str) else json.dumps(one) for one in self.choices
            )
        return f"{self.path}={self.kind}:{self.low:g}:{self.high:g}"


def _value(text: str) -> Value:
    """``16``, ``0.5``, ``true`` and ``null`` as such, anything else as text."""
    try:
        found: Value = json.loads(text)
    except ValueError:
        return text.strip()
    return found if isinstance(found, (int, float, bool, type(None))) else text.strip()


def _leaf(path: str) -> Leaf:
    known = leaves()
    if path in known:
        return known[path]
    if reason := FIXED.get(path) or FIXED.get(path.partition(".")[0]):
        raise ConfigError(f"{path!r} cannot be searched: {reason}.")
    near, prefix = list(known), path
    while prefix:
        prefix = prefix.rpartition(".")[0]
        if inside := [one for one in known if one.startswith(f"{prefix}.")]:
            near = inside
            break
    raise ConfigError(f"No setting {path!r} that can be searched; there are {', '.join(near)}.")


def with_values(base: RunConfig, values: Mapping[str, Value]) -> RunConfig:
    """A run's settings with some of them replaced, all at once (some only fit together).

    Raises:
        ConfigError: they do not fit together.
    """
    data = base.to_json()
    for path, value in values.items():
        *groups, name = path.split(".")
        place = data
        for group in groups:
            place = place[group]
        place[name] = value
    return RunConfig.from_json(data)


def value_of(base: RunConfig, path: str) -> Any:
    """What a run's settings say at a dotted path."""
    found: Any = base
    for name in path.split("."):
        found = getattr(found, name)
    return found


def propose(base: RunConfig, path: str) -> Dimension:
    """A range around a setting's present value: the first the form shows.

    Raises:
        ConfigError: there is no such setting.
    """
    leaf, value = _leaf(path), value_of(base, path)
    if leaf.hint is bool:
        return Dimension(path=path, kind="choice", choices=(True, False))
    if get_origin(leaf.hint) is Literal:
        return Dimension(path=path, kind="choice", choices=get_args(leaf.hint))
    if isinstance(value, (int, float)) and "int" in leaf.kinds:
        low, high = _clipped(leaf, value // 2, max(value * 2, value + 2))
        return Dimension(path=path, kind="int", low=low, high=high)
    if isinstance(value, (int, float)) and value > 0:
        low, high = _clipped(leaf, value / 10, value * 10)
        return Dimension(path=path, kind="log" if low > 0 else "float", low=low, high=high)
    if isinstance(value, (int, float)):
        low, high = _clipped(leaf, 0.0, 1.0)
        return Dimension(path=path, kind="float", low=low, high=high)
    raise ConfigError(f"{path!r} has no range to propose; give choices, as in {path}=choice:A,B.")


def _clipped(leaf: Leaf, low: float, high: float) -> tuple[float, float]:
    """Inside what the setting allows, to six digits: the ends are shown, and typed again."""
    least = low if leaf.rule.low is None else max(low, leaf.rule.low)
    most = high if leaf.rule.high is None else min(high, leaf.rule.high)
    return float(f"{least:.6g}"), float(f"{most:.6g}")


def default_space(base: RunConfig, *, weights: bool = True) -> tuple[Dimension, ...]:
    """Learning rate, batch size, weight decay, and, with ``weights``, the losses' weights and the temperature.

    Args:
        base: the settings around which it lies.
        weights: whether what changes the meaning of the loss varies too (not where trials are judged by it).
    """
    rate, size = base.training.learning_rate, base.training.batch_size
    found = [
        propose(base, "training.learning_rate") if rate else None,
        Dimension(
            path="training.batch_size", kind="choice", choices=tuple(sorted({max(1, size // 2), size, size * 2}))
        ),
        Dimension(path="training.weight_decay", kind="log", low=1e-6, high=0.1),
    ]
    if weights:
        found += [
            Dimension(path=f"objective.{loss}", kind="log", low=weight / 10, high=min(1e3, weight * 10))
            for loss, weight in base.objective.weights.items()
            if len(base.objective.weights) > 1
        ]
        if "contrastive" in base.objective.weights:
            now = base.objective.temperature
            found.append(Dimension(path="objective.temperature", kind="log", low=min(0.02, now), high=max(0.5, now)))
    return tuple(one for one in found if one)
