"""Model hubs: whether one answers, and what to tell a user whose weights are not there."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit


def go_offline_unless_hub_answers() -> None:
    """Without a hub its client would retry every file for half a minute before it looks into its cache."""
    from huggingface_hub import constants

    if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return  # only the proxy knows what is within reach
    hub = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((hub.hostname or "", hub.port or (443 if hub.scheme == "https" else 80)), 5).close()
    except OSError:
        constants.HF_HUB_OFFLINE = True


def how_to_bring(name: str, repository: str, files: str, error: Exception) -> str:
    """What to do about weights that did not load.

    Args:
        name: how the user named them.
        repository: of the hub, where they would be.
        files: what a folder needs that holds them.
        error: why they did not load.
    """
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return (
        f"The weights of {name!r} are not on this machine, and the hub did not give {repository} ({reason}). "
        f"On a machine with network run `hf download {repository}` and copy its cache folder here (HF_HOME says where; "
        f"likewise for a repository that its config names), or give the folder that holds {files} as the encoder. The "
        "encoder 'lite' needs no download."
    )


def does_not_load(folder: str, what: str, files: str, error: Exception) -> str:
    """What to tell of a folder that the user named."""
    return f"The folder {folder} does not load as {what} ({error}). It needs {files}."
