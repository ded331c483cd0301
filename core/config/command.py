"""The command that makes a run again: its preset, and whatever differs from it."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

from core.config.base import Config
from core.config.presets import preset
from core.config.run import RunConfig


def command_of(config: RunConfig) -> str:
    """``python -m scripts.run --preset P --study S ...``, ready for a shell."""
    own = config.encoder
    folder = own.image.name if own.aligned and own.image.name.startswith("local-dir:") else ""
    encoder = folder or own.key  # the key of a folder is its last part alone
    start = preset(config.preset, study=config.study, encoder=encoder)
    words = ["--preset", config.preset, "--study", config.study, "--encoder", encoder, *_differences(start, config, "")]
    return shlex.join(["python", "-m", "scripts.run", *words])


def _differences(start: Config, wanted: Config, prefix: str) -> list[str]:
    words: list[str] = []
    for field in dataclasses.fields(wanted):  # type: ignore[arg-type]
        before, after = getattr(start, field.name), getattr(wanted, field.name)
        flag = f"--{prefix}{field.name.replace('_', '-')}"
        if isinstance(after, Config):
            words += _differences(before, after, f"{flag[2:]}.")
        elif before != after:
            words += _flag(flag, after)
    return words


def _flag(flag: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        group, _, name = flag.rpartition(".")
        return [flag] if value else [f"{group}.no-{name}" if group else f"--no-{name[2:]}"]
    return [flag, *map(str, value)] if isinstance(value, tuple) else [flag, str(value)]
