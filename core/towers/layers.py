"""The parameters of a tower, one group per block, in the order in which its forward pass uses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Blocks = dict[str, str]
"""Name of a parameter that stands in a block -> a name of that block."""

_BLOCK = re.compile(r".*?(?:(?:^|\.)(?:resblocks|blocks|layers|layer|h|stages)\.\d+|\.layer\d+)(?=\.)")
_TO_THE_PREVIOUS = (99999,)
"""timm's mark for what comes after a block and is counted to it."""


def blocks_by_name(module: nn.Module, prefix: str = "") -> Blocks:
    """The outermost numbered part in the name of each parameter."""
    matches = ((prefix + name, _BLOCK.match(prefix + name)) for name, _ in module.named_parameters())
    return {name: match[0] for name, match in matches if match}


def blocks_of_timm(model: Any, prefix: str) -> Blocks:
    """The blocks (of a transformer) or stages (of a convolutional network) that timm itself names."""
    matcher = model.group_matcher(coarse=True)
    find = partial(_timm_block, matcher) if isinstance(matcher, dict) else partial(_timm_place, matcher)
    found = ((prefix + name, find(name)) for name, _ in model.named_parameters())
    return {name: block for name, block in found if block}


def _timm_block(matcher: dict[str, Any], name: str) -> str:
    """As timm's own ``group_with_matcher`` reads it, but that the stem and what comes after a block are none."""
    for part, which in matcher.items():
        for pattern, suffix in which if isinstance(which, list | tuple) else [(which, None)]:
            if pattern and (match := re.match(pattern, name)):
                stands_in_none = part == "stem" or suffix == _TO_THE_PREVIOUS
                return "" if stands_in_none else f"{part} {match.groups()} {suffix}"
    return ""


def _timm_place(matcher: Callable[[str], float], name: str) -> str:
    place = matcher(name)
    return "" if place in (0, float("inf")) else str(place)


def layers(module: nn.Module, blocks: Blocks, forward: Callable[[], Any]) -> list[list[str]]:
    """Names of all parameters, each once: what comes before the first block, each block, what comes after the last.

    What stands in no block and is used between two counts to the earlier one; what is never used counts to the first
    group.

    Args:
        module: in any mode; it is put into evaluation mode for one pass and back.
        blocks: which parameters stand in which block.
        forward: passes one example through the module.
    """
    used = order_of_use(module, forward)
    last = max((place for place, name in enumerate(used) if name in blocks), default=-1)
    groups: list[list[str]] = [[]]
    places: dict[str, list[str]] = {}
    for place, name in enumerate(used):
        if name in blocks:
            if blocks[name] not in places:
                groups.append([])
                places[blocks[name]] = groups[-1]
            places[blocks[name]].append(name)
        elif place > last >= 0:
            places.setdefault("", []).append(name)
        else:
            groups[-1].append(name)
    unused = set(dict(module.named_parameters())) - set(used)
    return [[*groups[0], *sorted(unused)], *groups[1:], places.get("", [])]


def order_of_use(module: nn.Module, forward: Callable[[], Any]) -> list[str]:
    """Names of the parameters that a forward pass in evaluation mode uses, in the order of their first use."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.no_grad(), _Watch(module) as watch:
            forward()
    finally:
        for part in training:
            part.training = True
    return list(watch.used)


class _Watch(TorchFunctionMode):
    """Notes which parameters the functions of torch are given."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.names = {id(parameter): name for name, parameter in module.named_parameters()}
        self.used: dict[str, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(True for _ in _tensors([result])):  # not where only a type or a shape was asked for
            for tensor in _tensors([*args, *(kwargs or {}).values()]):
                if name := self.names.get(id(tensor)):
                    self.used[name] = None
        return result


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
