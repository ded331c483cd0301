"""Layers of real architectures, with weights from nothing."""

from __future__ import annotations

import pytest
import torch

from core.config.encoders import TowerConfig
from core.towers import timm as family

ARCHITECTURES = {
    "resnet18": (6, "model.conv1.weight", "model.layer4.1.bn2.bias", None),
    "densenet121": (6, "model.features.conv0.weight", "model.features.denseblock4.denselayer16.conv2.weight", "norm5"),
    "mobilenetv3_small_050": (8, "model.conv_stem.weight", "model.blocks.5.0.bn1.bias", "model.conv_head.weight"),
    "efficientnet_b0": (9, "model.conv_stem.weight", "model.blocks.6.0.bn3.bias", "model.conv_head.weight"),
    "vit_tiny_patch16_224": (14, "model.pos_embed", "model.blocks.11.mlp.fc2.bias", "model.norm.bias"),
    "deit_tiny_distilled_patch16_224": (14, "model.dist_token", "model.blocks.11.mlp.fc2.bias", "model.norm.bias"),
    "swin_tiny_patch4_window7_224": (
        6,
        "model.patch_embed.proj.weight",
        "model.layers.3.blocks.1.mlp.fc2.bias",
        "norm",
    ),
    "convnext_atto": (6, "model.stem.0.weight", "model.stages.3.blocks.1.mlp.fc2.bias", "model.head.norm.bias"),
    "cait_xxs24_224": (26, "model.patch_embed.proj.weight", "model.norm.bias", None),
    "vgg11": (9, "model.features.0.weight", "model.features.18.bias", "model.pre_logits.fc2.bias"),
}
"""Number of groups; a parameter of the first, of the last block (timm counts CaiT's end to it), and after it."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers(name: str) -> None:
    torch.manual_seed(0)
    tower = family.load(TowerConfig(family="timm", name=name, pretrained="random"))
    groups = tower.layers()
    count, first, block, last = ARCHITECTURES[name]
    assert sorted(part for group in groups for part in group) == sorted(dict(tower.named_parameters()))
    assert (len(groups), first in groups[0], block in groups[-2]) == (count, True, True)
    assert (any(last in part for part in groups[-1])) if last else not groups[-1]
