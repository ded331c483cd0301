"""Where things lie: ``$FLUOROSCOPE_HOME`` (default ``workspace/`` beside the program) and its folders."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from core.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root: the folder in which ``python -m scripts.run`` works."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def home() -> Path:
    """The workspace folder (it may not exist yet)."""
    return Path(os.environ.get("FLUOROSCOPE_HOME") or ROOT / "workspace").expanduser().absolute()


def checked_slug(name: str, what: str = "study") -> str:
    """``name`` itself where it is fit to be a folder's name.

    Raises:
        ConfigError: anything but 1 to 64 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit.
    """
    if not _SLUG.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} cannot name {'an' if what[0] in 'aeiou' else 'a'} {what}: "
            "use 1 to 64 of a-z, 0-9, '.', '-' and '_', "
            "starting with a letter or digit (free text goes into the label)."
        )
    return name


def salted(values: Iterable[str], prefix: str) -> list[str]:
    """Stable stand-ins for the names of patients or files; the salt is made once and stays in this workspace.

    Returns:
        for each value ``prefix`` and 16 hex digits of BLAKE2 keyed with the workspace's salt (two of a million names
        have the same with a probability of 3e-8).
    """
    salt = _salt()
    return [
        prefix + hashlib.blake2s(value.encode(errors="surrogateescape"), key=salt, digest_size=8).hexdigest()
        for value in values
    ]


def _salt() -> bytes:
    path = home() / "salt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".salt.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(32))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # fails if another process was first: its salt stands
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
