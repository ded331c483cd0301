"""How large the demo study is, how large its radiographs are, and from which seed it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ConfigError

_LIMITS = {"images": (28, 20_000), "size": (32, 1024), "seed": (0, 2**31 - 1)}


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """The synthetic study: ``images`` radiographs of ``size`` x ``size`` pixels, drawn from ``seed``.

    Raises:
        ConfigError: a value lies outside its limits (images 28..20000, size 32..1024, seed 0..2**31-1).
    """

    images: int = 1200
    size: int = 224
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"demo {name}={value} is outside {low}..{high}; choose a value inside.")
