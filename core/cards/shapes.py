"""The tensors of each kind of head, by name and shape, told without building it; tests compare them with the heads."""

from __future__ import annotations

from collections.abc import Mapping

from core.cards.folder import refuse, shown
from core.cards.tensors import Claim
from core.config.run import HeadConfig

Shapes = dict[str, tuple[int, ...]]
BOUND = ("linear", "disease-tokens")
"""Heads that are made for the findings of their study."""


def head_shapes(config: HeadConfig, *, image: int, text: int, findings: int, classes: int) -> Shapes:
    """The head's tensors.

    Args:
        config: kind and sizes.
        image, text: widths of the towers' features.
        findings: how many.
        classes: of a disease-tokens head's classifier, 2 or 3.
    """
    common: Shapes = {"log_scale": (), "mean": (image,), "std": (image,)}
    if config.kind == "linear":
        return {**common, **_linear("image", image, text), "class_weights": (findings, text), "bias": (findings,)}
    if config.kind == "projection":
        return {**common, **_projection("image", image, config), **_projection("text", text, config)}
    if config.kind == "disease-tokens":
        return {**common, **_tokens(config, image, text, findings, classes)}
    width = min(image, text)
    return {**common, "image_map": (width, image), "text_map": (width, text)}


def widths(config: HeadConfig, claims: Mapping[str, Claim]) -> tuple[int, int]:
    """The widths of the image and text features that a head was made for.

    Raises:
        ArtefactError: the tensors that tell them are not there.
    """
    telling = {"none": "text_map", "linear": "class_weights", "projection": "text.0.weight"}
    told = telling.get(config.kind, "text_module.inlet.weight")
    if config.kind == "disease-tokens" and told not in claims:
        return _last("mean", claims), config.width  # no inlet: the prompts are as wide as the tokens
    return _last("mean", claims), _last(told, claims)


def _last(name: str, claims: Mapping[str, Claim]) -> int:
    if name not in claims:
        refuse(f"model.safetensors lacks the tensor {shown(name)} that its config.json asks for")
    if not claims[name].shape:
        refuse(f"in model.safetensors the tensor {shown(name)} is a single number")
    return claims[name].shape[-1]


def _linear(name: str, inlet: int, outlet: int) -> Shapes:
    return {f"{name}.weight": (outlet, inlet), f"{name}.bias": (outlet,)}


def _projection(name: str, inlet: int, config: HeadConfig) -> Shapes:
    found = _linear(f"{name}.0", inlet, config.width)
    for layer in range(1, config.layers + 1):
        found |= _linear(f"{name}.{layer}.block.1", config.width, config.width)
    if config.private:
        found |= _linear(f"{name}_private.map", inlet, config.private)
        found |= _linear(f"{name}_private.decoder", config.width + config.private, inlet)
    return found


def _tokens(config: HeadConfig, image: int, text: int, findings: int, classes: int) -> Shapes:
    width = config.width
    found = _linear("split", image, findings * width) | _transformer("image_transformer", config)
    if text != width:
        found |= _linear("text_module.inlet", text, width)
    found |= _transformer("text_module.transformer", config)
    return found | _linear("shared_classifier", width, 3 if classes == 3 else 1)


def _transformer(name: str, config: HeadConfig) -> Shapes:
    width = config.width
    found: Shapes = {}
    for layer in range(config.layers):
        own = f"{name}.layers.{layer}"
        found |= {f"{own}.self_attn.in_proj_weight": (3 * width, width), f"{own}.self_attn.in_proj_bias": (3 * width,)}
        found |= _linear(f"{own}.self_attn.out_proj", width, width)
        found |= _linear(f"{own}.linear1", width, 2 * width) | _linear(f"{own}.linear2", 2 * width, width)
        for norm in ("norm1", "norm2"):
            found |= {f"{own}.{norm}.weight": (width,), f"{own}.{norm}.bias": (width,)}
    return found
