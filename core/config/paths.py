"""Single settings of a run by their path, such as ``objective.orthogonal``: listed, parsed from words, changed."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from core.config.base import Config, hints_of
from core.config.encoders import EncoderConfig, resolve_encoder
from core.config.run import RunConfig
from core.errors import ConfigError

NAMES = ("study", "preset", "label", "seed", "mirrors")
"""Settings of a run that say what it is called or belongs to, or who is told of it, not what it does."""


def settings(run: RunConfig) -> dict[str, Any]:
    """Path -> value of every setting that decides what a run does; an encoder is one value."""
    return {path: value for path, value, _ in _leaves(run) if path not in NAMES}


def differing(runs: Sequence[RunConfig]) -> tuple[str, ...]:
    """The paths whose values are not the same in all of these runs, in the order of the settings."""
    found = [settings(run) for run in runs]
    return tuple(path for path in found[0] if any(one[path] != found[0][path] for one in found)) if found else ()


def shown(value: Any) -> str:
    """A setting's value as a table shows it."""
    if isinstance(value, EncoderConfig):
        return value.key
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " | ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse(path: str, word: str, run: RunConfig) -> Any:
    """A value from the command line, by the type of its setting.

    Raises:
        ConfigError: no such setting (those that exist are named), or a word that is not of its type.
    """
    hints = {own: hint for own, _, hint in _leaves(run) if own not in NAMES}
    if path not in hints:
        known = ", ".join(own for own, hint in hints.items() if _can_be_typed(hint))
        raise ConfigError(f"No setting {path!r} can be varied; there are: {known}.")
    for option in _options(hints[path]):
        value = _typed(option, word)
        if value is not None or (option is type(None) and word == "none"):
            return value
    allowed = " or ".join(_named(option) for option in _options(hints[path]))
    raise ConfigError(f"{path} is {word!r}; it must be {allowed}.")


def changed(run: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """A copy with all of these settings at once, checked when all are in place.

    Raises:
        ConfigError: a value out of its range, or settings that exclude each other.
    """
    data = run.to_json()
    for path, value in values.items():
        part, *parents = data, *path.split(".")[:-1]
        for parent in parents:
            part = part[parent]
        part[path.rsplit(".", 1)[-1]] = value.to_json() if isinstance(value, Config) else value
    return RunConfig.from_json(data)


def _leaves(part: Config, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, value, type) of every setting."""
    hints = hints_of(type(part))
    for field in dataclasses.fields(part):  # type: ignore[arg-type]
        value = getattr(part, field.name)
        if isinstance(value, Config) and not isinstance(value, EncoderConfig):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value, hints[field.name]


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _can_be_typed(hint: Any) -> bool:
    return get_origin(hint) is not tuple


def _typed(hint: Any, word: str) -> Any:
    """The word as a value of that type; None where it is none."""
    if hint is EncoderConfig:
        return resolve_encoder(word)
    if get_origin(hint) is Literal:
        return next((choice for choice in get_args(hint) if str(choice) == word), None)
    if hint is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(word.lower())
    if hint in (int, float):
        try:
            return hint(word)
        except ValueError:
            return None
    return word if hint is str else None


def _named(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return "a list, which cannot be typed here"
    return {bool: "yes or no", int: "a whole number", float: "a number", type(None): "none"}.get(hint, str(hint))
