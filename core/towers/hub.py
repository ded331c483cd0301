"""Model hubs: whether one answers, single files, and what to tell a user whose weights are not there."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.config.encoders import HUB, LOCAL
from core.errors import WeightsMissing


def go_offline_unless_hub_answers() -> None:
    """Without a hub its client would retry every file for half a minute before it looks into its cache."""
    from huggingface_hub import constants

    if not may_answer(constants.ENDPOINT):
        constants.HF_HUB_OFFLINE = True


def may_answer(address: str) -> bool:
    """Whether something listens at an address, or only a proxy knows what is within reach."""
    if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return True
    place = urlsplit(address)
    try:
        socket.create_connection(
            (place.hostname or "", place.port or (443 if place.scheme == "https" else 80)), 5
        ).close()
    except OSError:
        return False
    return True


def told_by(name: str, file: str) -> dict[str, Any]:
    """A JSON file of a repository, or of a folder that is named as ``local-dir:``; empty where there is none.

    Raises:
        OSError, ValueError: the hub cannot be asked; no JSON.
    """
    path = Path(name.removeprefix(LOCAL), file) if name.startswith(LOCAL) else _from_hub(name.removeprefix(HUB), file)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}
    return found


def _from_hub(repository: str, file: str) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file))
    except EntryNotFoundError:  # also where it is not in the cache of a machine without network
        return None


def missing(name: str, repository: str, what: str, files: str, error: Exception) -> WeightsMissing:
    """The error for weights that did not load.

    Args:
        name: how the user named them; a folder as ``local-dir:/folder``.
        repository: of the hub, where they would be.
        what: what they should be, such as ``a CLIP model``.
        files: what a folder needs that holds them.
        error: why they did not load.
    """
    if name.startswith(LOCAL):
        folder = Path(name.removeprefix(LOCAL)).name
        return WeightsMissing(f"The folder {folder} does not load as {what} ({_reason(error)}). It needs {files}.")
    return WeightsMissing(
        f"The weights of {name!r} are not on this machine, and the hub did not give {repository} ({_reason(error)}). "
        f"On a machine with network run `hf download {repository}` and copy its cache folder here (HF_HOME says where; "
        f"likewise for a repository that its config names), or give the folder that holds {files} as the encoder. The "
        "encoder 'lite' needs no download."
    )


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
