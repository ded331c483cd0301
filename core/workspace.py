"""Where things lie: ``$FLUOROSCOPE_HOME`` (default ``workspace/`` beside the program) and its folders."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
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
            f"{name[:80]!r} cannot name a {what}: use 1 to 64 of a-z, 0-9, '.', '-' and '_', "
            "starting with a letter or digit (free text goes into the label)."
        )
    return name


def salted(value: str, prefix: str) -> str:
    """A stable stand-in for a patient's or file's name; the salt is made once and stays in this workspace.

    Returns:
        ``prefix`` and 12 hex digits of BLAKE2 keyed with the workspace's salt.
    """
    digest = hashlib.blake2s(value.encode(), key=_salt(), digest_size=6).hexdigest()
    return f"{prefix}{digest}"


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
