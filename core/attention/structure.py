"""What a tower is made of, as far as a saliency map needs to know: a last feature map, or tokens that attend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.towers.base import ImageTower

KNOWN = (
    "convolutional towers (EfficientNet, ResNets, DenseNet, ConvNeXt, ...), and vision transformers of open_clip, of "
    "transformers' CLIP and of timm that read their class token or the mean of their patches"
)


@dataclass(frozen=True)
class LastMap:
    """A convolutional tower.

    Attributes:
        part: the module that gives its last spatial feature map (1, channels, h, w).
        name: of that module.
        side: h = w.
    """

    part: nn.Module
    name: str
    side: int


@dataclass(frozen=True)
class Tokens:
    """A vision transformer.

    Attributes:
        layers: of self-attention.
        before: tokens that stand before those of the patches, such as the class token.
        read: what the features are made of: the ``first`` token, or the ``mean`` of the patches.
    """

    layers: int
    before: int
    read: Literal["first", "mean"]


Structure = LastMap | Tokens


def structure_of(tower: ImageTower) -> Structure:
    """How to ask a tower where it looks.

    Raises:
        ConfigError: it is none of the known ones; says which those are.
    """
    if (tokens := _tokens(tower)) is not None:
        return tokens
    attending = [type(part).__name__ for part in tower.modules() if _attends(part)]
    if attending:
        raise _unknown(tower, f"it attends in a way of its own ({attending[0]})")
    return _last_map(tower)


def _tokens(tower: ImageTower) -> Tokens | None:
    """Of the transformers that are known; by their exact classes, because subclasses read their tokens otherwise."""
    model: Any = getattr(tower, "model", None)
    found = getattr(model, "trunk", model)  # where open_clip takes its image half from timm
    kind = type(found)
    origin = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    if origin == "timm.VisionTransformer" and found.attn_pool is None and found.global_pool in ("token", "avg"):
        read: Literal["first", "mean"] = "first" if found.global_pool == "token" else "mean"
        return Tokens(len(found.blocks), found.num_prefix_tokens, read) if not found.pool_include_prefix else None
    if origin == "open_clip.VisionTransformer" and found.attn_pool is None and found.pool_type in ("tok", "avg"):
        return Tokens(len(found.transformer.resblocks), 1, "first" if found.pool_type == "tok" else "mean")
    if kind.__name__ in ("CLIPVisionTransformer", "CLIPVisionModel") and origin.startswith("transformers."):
        inner = getattr(found, "vision_model", found)
        return Tokens(len(inner.encoder.layers), 1, "first")
    return None


def _attends(part: nn.Module) -> bool:
    """CLIP's ResNets attend once, to pool their last feature map: that map can be asked."""
    name = type(part).__name__
    return ("attention" in name.lower() or "attn" in name.lower()) and name != "AttentionPool2d"


@torch.no_grad()
def _last_map(tower: ImageTower) -> LastMap:
    """The part that is the last one to give a feature map with places in it, found by trying the tower out."""
    found: LastMap | None = None
    called, then = 0, 0  # parts that have weights of their own, and how many of them before that map

    def note(name: str, part: nn.Module, gave: Any) -> None:
        nonlocal found, called, then
        called += not list(part.children()) and bool(list(part.parameters(recurse=False)))
        if isinstance(gave, Tensor) and gave.ndim == 4 and gave.shape[2] == gave.shape[3] > 1:
            found, then = LastMap(part, name, int(gave.shape[3])), called

    hooks = [
        part.register_forward_hook(lambda part, _, gave, name=name: note(name, part, gave))
        for name, part in tower.named_modules()
        if name
    ]
    try:
        tower.try_out()
    finally:
        for hook in hooks:
            hook.remove()
    if found is None or 2 * then < called:  # a map that early is an input of the tower rather than what it found
        raise _unknown(tower, "it has no feature map with places in it near its end")
    return found


def _unknown(tower: ImageTower, why: str) -> ConfigError:
    model = getattr(tower, "model", tower)
    name = type(getattr(model, "trunk", model)).__name__
    return ConfigError(
        f"Where {name} looks cannot be shown: {why}. Maps can be made of {KNOWN}. All other views work for it."
    )
