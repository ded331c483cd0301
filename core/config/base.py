"""What every config class shares: checked fields, a strict JSON round trip, help for command line and form."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, Union, dataclass_transform, get_args, get_origin

from core.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a form and a command line need to know of one field."""

    help: str
    low: float | None = None
    high: float | None = None
    main: bool = False
    """Whether the form shows it at once (the others stand under "more settings")."""


def setting(
    *,
    default: Any = dataclasses.MISSING,
    help: str = "",
    low: float | None = None,
    high: float | None = None,
    main: bool = False,
    factory: Any = dataclasses.MISSING,
) -> Any:
    """A dataclass field with its allowed range (both ends included) and one line of help."""
    return dataclasses.field(
        default=default,
        default_factory=factory,
        metadata={"setting": Setting(help=help, low=low, high=high, main=main)},
    )


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
def config(cls: type[T]) -> type[T]:
    """Class decorator: a frozen, keyword-only dataclass whose docstring lists the help of its fields.

    The command line (tyro) reads help from that docstring, so that it is written down once.
    """
    made = dataclass(frozen=True, kw_only=True)(cls)
    lines = [f"    {f.name}: {settings_of(f).help}" for f in dataclasses.fields(made)]  # type: ignore[arg-type]
    made.__doc__ = f"{(cls.__doc__ or '').strip()}\n\nArgs:\n" + "\n".join(lines)
    return made


def settings_of(field: dataclasses.Field[Any]) -> Setting:
    """The :class:`Setting` of a field (an empty one for a plain field)."""
    return typing.cast(Setting, field.metadata.get("setting", Setting(help="")))


class Config:
    """Base of all configs: checks itself when made, travels as JSON."""

    def __post_init__(self) -> None:
        hints = hints_of(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            _check(type(self).__name__, field, hints[field.name], getattr(self, field.name))

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values; :meth:`from_json` gives an equal config back."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Rebuild from :meth:`to_json`.

        Raises:
            ConfigError: unknown or missing names, wrong types, values out of range.
        """
        if not isinstance(data, dict):
            raise ConfigError(f"{cls.__name__} needs a JSON object, got {type(data).__name__}.")
        fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(data) - set(fields)):
            raise ConfigError(f"{cls.__name__} does not know {unknown}; it knows {sorted(fields)}.")
        hints = hints_of(cls)
        values = {name: _revive(hints[name], value) for name, value in data.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__}: {error}. Give every setting without a default.") from error

    @classmethod
    def help(cls) -> dict[str, str]:
        """The line of help of each setting."""
        return {field.name: settings_of(field).help for field in dataclasses.fields(cls)}  # type: ignore[arg-type]

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed, checked again."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


_KNOWN: dict[type, dict[str, Any]] = {}


def hints_of(owner: type) -> dict[str, Any]:
    """The types of a class's fields: evaluating them takes longer than all else when hundreds of runs are listed."""
    if owner not in _KNOWN:
        _KNOWN[owner] = typing.get_type_hints(owner)
    return _KNOWN[owner]


def _plain(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_json()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _is_config(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Config)


def _revive(hint: Any, value: Any) -> Any:
    if _is_config(hint):
        return hint.from_json(value)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_revive(get_args(hint)[0], item) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _fits(hint: Any, value: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(option, value) for option in get_args(hint))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(get_args(hint)[0], item) for item in value)
    if hint is type(None):
        return value is None
    if hint in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if hint is float else hint)


def check_setting(owner: type[Config], name: str, value: Any) -> None:
    """Whether a field of a config may have a value (what fits together is asked when a config is made).

    Raises:
        ConfigError: a wrong type, or out of range.
    """
    field = next(one for one in dataclasses.fields(owner) if one.name == name)  # type: ignore[arg-type]
    _check(owner.__name__, field, hints_of(owner)[name], value)


def _allowed(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(hint))
    return getattr(hint, "__name__", str(hint))


def _check(owner: str, field: dataclasses.Field[Any], hint: Any, value: Any) -> None:
    if not _fits(hint, value):
        raise ConfigError(f"{owner}.{field.name} is {value!r}; it must be {_allowed(hint)}.")
    rule = settings_of(field)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low = -math.inf if rule.low is None else rule.low
        high = math.inf if rule.high is None else rule.high
        if not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(f"{owner}.{field.name} is {value!r}; it must lie between {low:g} and {high:g}.")
