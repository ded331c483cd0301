"""Ways to make a model folder wrong, as somebody would who means harm or whose disk is bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save

from core.cards.folder import MANIFEST, MOST_BYTES
from core.files import stamp

Change = Callable[[Path], None]


def restamp(folder: Path) -> None:
    """The manifest tells the truth again: whoever changed a file could do that, too."""
    files = {name: stamp(folder / name) for name in MOST_BYTES if (folder / name).is_file()}
    (folder / MANIFEST).write_text(json.dumps({"form": 1, "files": files}))


def text(name: str, content: str | bytes) -> Change:
    """A file with other content."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def put(name: str, *keys: Any, value: Any) -> Change:
    """A value in a JSON file."""

    def change(folder: Path) -> None:
        data = json.loads((folder / name).read_text())
        at = data
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value
        (folder / name).write_text(json.dumps(data))

    return change


def without(name: str, *keys: Any) -> Change:
    """A value taken out of a JSON file."""

    def change(folder: Path) -> None:
        data = json.loads((folder / name).read_text())
        at = data
        for key in keys[:-1]:
            at = at[key]
        del at[keys[-1]]
        (folder / name).write_text(json.dumps(data))

    return change


def tensors(name: str, edit: Callable[[dict[str, Any]], Any]) -> Change:
    """Other arrays in a safetensors file."""

    def change(folder: Path) -> None:
        held = load_file(folder / name)
        edit(held)
        (folder / name).write_bytes(save(held))

    return change


def header(name: str, edit: Callable[[dict[str, Any]], Any]) -> Change:
    """Another header over the same bytes."""

    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        length = int.from_bytes(data[:8], "little")
        held = json.loads(data[8 : 8 + length])
        edit(held)
        told = json.dumps(held).encode()
        (folder / name).write_bytes(len(told).to_bytes(8, "little") + told + data[8 + length :])

    return change
