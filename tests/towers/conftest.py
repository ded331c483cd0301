"""Small models of every family in one folder, as a hub would hold them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from core.config.encoders import resolve_encoder
from core.towers.base import Towers
from core.towers.loading import load_towers
from tests.towers import repositories


@pytest.fixture(scope="session")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All repositories; only to read."""
    return repositories.write_all(tmp_path_factory.mktemp("repositories"))


@pytest.fixture
def copied(hub_root: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A repository of one's own to damage."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(hub_root / name, tmp_path / "mine" / Path(name).name))

    return copy


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in here may look for a hub."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


KEYS = {
    "lite": "lite",
    "open_clip ResNet": "{root}/tiny/open-resnet",
    "open_clip ViT": "{root}/tiny/open-vit",
    "clip": "clip:{root}/" + repositories.CLIP,
    "timm ResNet": "timm:test_resnet/random",
    "timm ViT": "timm:test_vit/random",
    "timm EfficientNet": "timm:test_efficientnet/random",
    "timm ConvNeXt": "timm:test_convnext/random",
    "xrv": "xrv:densenet121/random",
    "biobert": "lite+bert:{root}/" + repositories.BIOBERT,
    "cxr-bert": "lite+bert:{root}/" + repositories.CXR_BERT,
    "sentences": "lite+bert:{root}/" + repositories.SENTENCES,
}
"""One key for every family and kind of architecture."""


@pytest.fixture
def towers_of(hub_root: Path) -> Callable[[str], Towers]:
    """Both towers of a name of :data:`KEYS`, loaded anew."""

    def load(name: str) -> Towers:
        torch.manual_seed(0)
        return load_towers(resolve_encoder(KEYS[name].format(root=hub_root)))

    return load
