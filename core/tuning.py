"""Which parameters of the towers learn, from which epoch on, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.tuning import TuningConfig, What
from core.errors import ConfigError
from core.heads import Head
from core.towers.base import Tower
from core.towers.lora import add_lora


@dataclass(frozen=True, kw_only=True)
class Part:
    """Parameters that begin to learn together.

    Attributes:
        parameters: by name, with the tower's name in front.
        epoch: from which on they learn.
        rate: their peak learning rate.
    """

    parameters: dict[str, nn.Parameter]
    epoch: int
    rate: float

    @property
    def of(self) -> str:
        """``image tower`` or ``text tower``."""
        return f"{next(iter(self.parameters)).split('.', 1)[0]} tower"


class Tuning:
    """What learns of the towers that are given; the rest of each is frozen, in evaluation mode.

    Attributes:
        towers: those of which something learns, by name: ``image``, ``text``.
        parts: from the top of each tower to its input.

    Raises:
        ConfigError: there are no blocks, or no layers for adapters.
    """

    def __init__(self, towers: Mapping[str, Tower], config: TuningConfig, seed: int) -> None:
        wanted: dict[str, What] = {"image": config.image, "text": config.text}
        self.towers = {name: tower for name, tower in towers.items() if wanted[name] != "nothing"}
        self.parts: list[Part] = []
        for name, tower in self.towers.items():
            tower.requires_grad_(False)
            of = _adapters if wanted[name] == "lora" else _blocks
            self.parts += of(name, tower, config, seed)
        self.thaw(0)

    def thaw(self, epoch: int) -> None:
        """Let everything learn whose epoch has come."""
        for part in self.parts:
            for parameter in part.parameters.values():
                parameter.requires_grad_(part.epoch <= epoch)

    def train(self) -> None:
        """Dropout and batch statistics where something learns; what is frozen stays in evaluation mode."""
        for tower in self.towers.values():
            _set_modes(tower)

    def eval(self) -> None:
        for tower in self.towers.values():
            tower.eval()

    def state(self) -> dict[str, Tensor]:
        """What may differ from the weights that were loaded: parameters that learn at any time, and all buffers."""
        learned = {name for part in self.parts for name in part.parameters}
        found: dict[str, Tensor] = {}
        for name, tower in self.towers.items():
            frozen = {f"{name}.{own}" for own, _ in tower.named_parameters()} - learned
            own = {f"{name}.{key}": value for key, value in tower.state_dict().items()}
            found |= {key: value for key, value in own.items() if key not in frozen}
        return found

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        expected = self.state().keys()
        if expected != state.keys():
            raise ConfigError(
                f"These weights hold {len(state)} tensors of towers, but {len(expected)} are expected: "
                "they were made with other settings."
            )
        for name, tower in self.towers.items():
            own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
            tower.load_state_dict(own, strict=False)


def _adapters(name: str, tower: Tower, config: TuningConfig, seed: int) -> list[Part]:
    added = set(add_lora(tower, config.lora_rank, config.lora_alpha, config.lora_dropout, seed))
    own = {f"{name}.{key}": parameter for key, parameter in tower.named_parameters() if key in added}
    return [Part(parameters=own, epoch=0, rate=config.learning_rate)]


def _blocks(name: str, tower: Tower, config: TuningConfig, _seed: int) -> list[Part]:
    """The layers from the top, as many as are asked for: what comes after the blocks begins with the last of them;
    where there are more blocks than epochs, the rest begins with the last epoch."""
    parameters, layers = dict(tower.named_parameters()), tower.layers()
    what = config.image if name == "image" else config.text
    first = 0 if what == "everything" else max(1, len(layers) - 1 - config.blocks)
    epochs, parts = config.unfreeze_at or (0,), []
    for depth, layer in enumerate(reversed(layers[first:])):
        own = {f"{name}.{key}": parameters[key] for key in layer}
        epoch = epochs[min(max(depth - 1, 0), len(epochs) - 1)]
        parts.append(Part(parameters=own, epoch=epoch, rate=config.learning_rate * config.layer_decay**depth))
    return [part for part in parts if part.parameters]


def _set_modes(module: nn.Module, parent: bool = False) -> None:
    """Training mode where a parameter below learns; what has no parameters, such as dropout, follows its parent."""
    parameters = list(module.parameters())
    module.training = any(one.requires_grad for one in parameters) if parameters else parent
    for child in module.children():
        _set_modes(child, module.training)


def parameter_groups(
    modules: tuple[nn.Module, ...], tuning: Tuning, rate: float, weight_decay: float
) -> list[dict[str, object]]:
    """Groups for an optimiser: heads and objective, then each part of the towers; each says what it is ``of`` and its
    ``peak`` learning rate.

    Weights decay; what has less than two dimensions (biases, norms, temperatures, learned sigmas) does not.
    """
    own = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    groups = []
    parts = [(part.of, list(part.parameters.values()), part.rate) for part in tuning.parts]
    for of, parameters, peak in [("head", own, rate), *parts]:
        for chosen, decay in (
            ([one for one in parameters if one.ndim >= 2], weight_decay),
            ([one for one in parameters if one.ndim < 2], 0.0),
        ):
            if chosen:
                groups.append({"params": chosen, "of": of, "peak": peak, "lr": peak, "weight_decay": decay})
    return groups


def learning_rates(optimiser: torch.optim.Optimizer) -> dict[str, float]:
    """The rates of what learns now: of the head and of each tower, of a tower whose layers differ its highest and its
    lowest; nothing where there is one rate alone."""
    rates: dict[str, set[float]] = {}
    for group in optimiser.param_groups:
        if any(parameter.requires_grad for parameter in group["params"]):
            rates.setdefault(group["of"], set()).add(group["lr"])
    found = {of: max(own) for of, own in rates.items()}
    found |= {f"{of} lowest": min(own) for of, own in rates.items() if len(own) > 1}
    return found if len(found) > 1 else {}


def frozen() -> Tuning:
    """Nothing of the towers learns."""
    return Tuning({}, TuningConfig(), 0)


def make_optimiser(name: str, groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019), or SGD with momentum 0.9, over :func:`parameter_groups`."""
    return torch.optim.AdamW(groups) if name == "adamw" else torch.optim.SGD(groups, momentum=0.9)


TOWERS = "towers."
"""In front of the names of what the towers have learned."""


def learned_state(head: Head, tuning: Tuning) -> dict[str, Tensor]:
    """All that training changes: the head's weights, and what of the towers learns."""
    return {**head.state_dict(), **{TOWERS + name: value for name, value in tuning.state().items()}}


def load_learned(head: Head, tuning: Tuning, state: Mapping[str, Tensor]) -> None:
    """Put back what :func:`learned_state` gave."""
    head.load_state_dict({name: value for name, value in state.items() if not name.startswith(TOWERS)})
    tuning.load({name.removeprefix(TOWERS): value for name, value in state.items() if name.startswith(TOWERS)})
