"""Writing so that a reader, or a crash, never meets half a file: temporary name, flush, rename."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import ArtefactError


def _mode() -> int:
    mask = os.umask(0)  # it can only be read by setting it
    os.umask(mask)
    return 0o666 & ~mask


MODE = _mode()
"""What a new file may be used by, as the user's umask says (``mkstemp`` would keep it from the group)."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, MODE)
        os.replace(name, path)
        sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically (NaN becomes null, which is what "not known" is in JSON)."""
    with replacing(path) as stream:
        stream.write(json.dumps(_finite(data), indent=1, ensure_ascii=False, allow_nan=False).encode())


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        ArtefactError: the file is absent or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArtefactError(f"{path.name} is not in {path.parent.name}: it was never finished.") from None
    except ValueError as error:
        raise ArtefactError(f"{path.name} in {path.parent.name} is not valid JSON ({error}).") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stamp(path: Path) -> dict[str, Any]:
    """What a manifest says of a file: its size in bytes and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def verify(path: Path, expected: dict[str, Any]) -> None:
    """Compare a file with its stamp.

    Raises:
        ArtefactError: absent, of another size, or with other bytes; or the stamp itself is not of our form.
    """
    if not isinstance(expected, dict) or not {"bytes", "sha256"} <= expected.keys():
        raise ArtefactError(f"The manifest of {path.parent.name} says neither size nor SHA-256 of {path.name}.")
    if not path.is_file():
        raise ArtefactError(f"{path.name} is missing from {path.parent.name}, though its manifest names it.")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise ArtefactError(f"{path.name} has {size} bytes, its manifest says {expected['bytes']}: torn or altered.")
    if sha256(path) != expected["sha256"]:
        raise ArtefactError(f"{path.name} does not have the SHA-256 of its manifest: altered or damaged.")
