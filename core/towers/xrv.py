"""torchxrayvision's DenseNet121, trained on radiographs alone: an image tower (Cohen et al., MIDL 2022)."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.encoders import LOCAL, RANDOM, TowerConfig
from core.errors import WeightsMissing
from core.towers import released
from core.towers.base import ImageTower, Recipe, from_nothing
from core.towers.hub import may_answer
from core.towers.layers import Blocks

FILES = "one file of its weights (.pt as released, or .safetensors)"
KINDS = (".pt", ".pth", ".safetensors")
_BLOCK = re.compile(r"model\.(?:denseblock|transition)(\d+)\.")


class XrvImage(ImageTower):
    """The DenseNet121 without its classifier: 1024 features of grey images in -1024..1024."""

    width = 1024

    def __init__(self, model: nn.Module, config: TowerConfig) -> None:
        super().__init__()
        self.recipe = Recipe(side=config.side or 224, mean=(0.5,), std=(0.5 / 1024,))
        self.model = model.to(memory_format=torch.channels_last)
        self.last = nn.ReLU()  # a part of its own: what comes out of it is where the tower can be asked to look

    def features(self, prepared: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.last(self.model(prepared)), 1).flatten(1)

    def blocks(self) -> Blocks:
        """A block with the transition after it."""
        matches = ((name, _BLOCK.match(name)) for name, _ in self.named_parameters())
        return {name: match[1] for name, match in matches if match}


def load(config: TowerConfig) -> XrvImage:
    """An image tower.

    Raises:
        WeightsMissing: no such model; its file is neither on this machine nor within reach; not its weights.
    """
    models = _library()
    with from_nothing():
        whole: Any = models.DenseNet()
    if config.pretrained == RANDOM:
        return XrvImage(whole.features.eval(), config)
    path = _local(config) if config.name.startswith(LOCAL) else _released(models, config.name)
    try:
        whole.features.load_state_dict(_features(path))
    except (OSError, ValueError, RuntimeError) as error:  # of readers, and of a module that has other parts
        told = str(error).strip().splitlines()[-1].strip()[:200]
        raise WeightsMissing(
            f"{path.name} does not load as torchxrayvision's DenseNet121 ({told}). It needs {FILES}."
        ) from error
    return XrvImage(whole.features.eval(), config)


def _library() -> Any:
    with warnings.catch_warnings():  # importing it turns all warnings off
        from torchxrayvision import models
    return models


def _features(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    found = load_file(path) if path.suffix == ".safetensors" else released.read(path)
    own = {name.removeprefix("features."): one for name, one in found.items() if name.startswith("features.")}
    return own


def _local(config: TowerConfig) -> Path:
    path = Path(config.name.removeprefix(LOCAL))
    if path.is_file():
        return path
    files = sorted(one for one in path.glob("*") if one.suffix in KINDS)
    if len(files) != 1:
        there = ", ".join(one.name for one in files) or "none of that kind"
        raise WeightsMissing(f"The folder {path.name} should hold {FILES}; there is {there}. Name the file itself.")
    return files[0]


def _released(models: Any, name: str) -> Path:
    """Where the library itself keeps the file; fetched from its release where that is within reach."""
    from torchxrayvision.utils import get_cache_dir

    names = [one for one in models.model_urls if one.startswith("densenet121-")]
    if name not in names:
        raise WeightsMissing(f"torchxrayvision has no DenseNet121 {name!r}. It has: {', '.join(names)}.")
    address = models.model_urls[name]["weights_url"]
    path = Path(get_cache_dir(), Path(address).name)
    if path.is_file():
        return path
    try:
        if not may_answer(address):
            raise OSError("nothing answers there")
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(address, str(path), progress=False)  # to another name first
    except OSError as error:
        raise WeightsMissing(
            f"The weights of {name!r} are not on this machine, and {address} did not give them ({error}). On a machine "
            f"with network download that file, and copy it to {path}; or name the file, or a folder that holds nothing "
            "else, as xrv:/folder. The encoder 'lite' needs no download."
        ) from error
    return path
