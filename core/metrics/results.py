"""A value with its interval, and any result as plain JSON values."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """A value and the ends of its 95 % interval; NaN where undefined.

    `replicates` counts the bootstrap replicates in which the value was defined; 0 for a closed form.
    """

    value: float
    low: float
    high: float
    replicates: int = 0


def to_json(result: Any) -> Any:
    """Dataclasses, tuples and arrays as dicts, lists and numbers; NaN and infinities become None.

    JSON has no NaN, and None is what a reader of JSON expects where there is no value.
    """
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return {field.name: to_json(getattr(result, field.name)) for field in dataclasses.fields(result)}
    if isinstance(result, tuple) and hasattr(result, "_asdict"):
        result = result._asdict()
    if isinstance(result, dict):
        return {str(key): to_json(value) for key, value in result.items()}
    if isinstance(result, np.ndarray | np.generic):
        result = result.tolist()
    if isinstance(result, list | tuple):
        return [to_json(value) for value in result]
    return None if isinstance(result, float) and not math.isfinite(result) else result


def from_json(kind: Any, values: dict[str, Any]) -> Any:
    """A flat dataclass `kind` from `to_json`'s dict: None in a float field is NaN again."""
    numbers = {field.name for field in dataclasses.fields(kind) if field.type in ("float", float)}
    filled = {k: math.nan if v is None and k in numbers else v for k, v in values.items()}
    return kind(**filled)
