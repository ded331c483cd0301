"""Low-rank adapters on the frozen weights of any tower (Hu et al., "LoRA", ICLR 2022), put there by peft."""

from __future__ import annotations

import torch
from torch import nn

from core.errors import ConfigError
from core.towers.base import Tower
from core.towers.layers import order_of_use

NAME = "default"
"""peft's name for the only set of adapters that a tower has."""


def add_lora(tower: Tower, rank: int, alpha: float, dropout: float = 0.0, seed: int = 0) -> list[str]:
    """Put adapters on a tower, which from then on has no other trainable parameters.

    They stand on all linear layers, and on the joint query, key and value weights of ``nn.MultiheadAttention`` (its
    output layer is none that is called, so an adapter on it would do nothing). Where a tower has neither, they stand
    on its convolutions that are not grouped. An adapter
    adds ``alpha / rank * B A x``, where B starts at zero: the features are as before until the first step. Adapters
    are saved and loaded as any parameters, through ``state_dict`` of a tower that has them.

    Args:
        tower: as it was loaded.
        rank: of B and A.
        alpha: numerator of the scale.
        dropout: on the input of each adapter; those of ``nn.MultiheadAttention`` have none.
        seed: of the A.

    Returns:
        The names of the adapters' parameters.

    Raises:
        ConfigError: no layer that can be adapted, or adapters are there already.
    """
    from peft import LoraConfig, inject_adapter_in_model

    layers, weights = targets(tower)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft only ever divides it by the rank
        target_modules=layers,
        target_parameters=weights,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, tower, adapter_name=NAME)
    if dropout:
        _drop(tower, dropout)
    return [name for name, parameter in tower.named_parameters() if parameter.requires_grad]


def targets(tower: Tower) -> tuple[list[str], list[str]]:
    """Names of layers, and of weights that stand in none, that adapters go on.

    Raises:
        ConfigError: there is nothing, or adapters are there already.
    """
    parts = dict(tower.named_modules())
    if any("lora_" in name for name in parts):
        raise ConfigError("This tower has adapters already; load it anew to give it others.")
    called = [name for name in _called(tower) if name in parts]
    linear = [name for name in called if isinstance(parts[name], nn.Linear)]
    attention = [(name, parts[name]) for name in called if isinstance(parts[name], nn.MultiheadAttention)]
    weights = [
        f"{name}.in_proj_weight" for name, part in attention if getattr(part, "in_proj_weight", None) is not None
    ]
    if not linear and not weights:
        linear = [name for name in called if isinstance(parts[name], nn.Conv2d) and parts[name].groups == 1]
    if not linear and not weights:
        raise ConfigError(
            f"{type(tower).__name__} has neither linear layers nor convolutions, so LoRA finds nothing to adapt. "
            "Unfreeze layers of it instead."
        )
    return linear, weights


def _called(tower: Tower) -> list[str]:
    """Names of the modules that a forward pass calls; some lend their weights to functions, and are never called."""
    names: dict[str, None] = {}
    hooks = [
        part.register_forward_pre_hook(lambda _, __, name=name: names.setdefault(name))
        for name, part in tower.named_modules()
    ]
    try:
        order_of_use(tower, tower.try_out)
    finally:
        for hook in hooks:
            hook.remove()
    return list(names)


def _drop(tower: Tower, dropout: float) -> None:
    """peft refuses dropout for all where one adapter stands on a bare weight."""
    from peft.tuners.lora import LoraLayer, ParamWrapper

    for part in tower.modules():
        if isinstance(part, LoraLayer) and not isinstance(part, ParamWrapper):
            part.lora_dropout[NAME] = nn.Dropout(dropout)
