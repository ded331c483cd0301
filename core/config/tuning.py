"""What of the towers learns."""

from __future__ import annotations

from typing import Literal

from core.config.base import Config, config, setting
from core.errors import ConfigError

What = Literal["nothing", "last-blocks", "everything", "lora"]


@config
class TuningConfig(Config):
    """What of each tower learns, when it begins to, and how fast."""

    image: What = setting(default="nothing", help="what of the image tower learns (frozen towers train in seconds)")
    text: What = setting(default="nothing", help="what of the text tower learns")
    blocks: int = setting(
        default=2, help="last-blocks: how many, with what comes after the last one", low=1, high=200
    )
    unfreeze_at: tuple[int, ...] = setting(
        default=(), help="gradually: epochs at which the next block from the top begins to learn; none: all at once"
    )
    learning_rate: float = setting(default=1e-5, help="peak learning rate of the towers", low=1e-9, high=1.0)
    layer_decay: float = setting(
        default=1.0, help="each block learns this much slower than the one above it; 1: all alike", low=0.1, high=1.0
    )
    lora_rank: int = setting(default=8, help="lora: rank of the adapters", low=1, high=512)
    lora_alpha: float = setting(default=16.0, help="lora: their effect is scaled by alpha / rank", low=0.01, high=1e4)
    lora_dropout: float = setting(default=0.0, help="lora: dropout before the adapters", low=0.0, high=0.9)

    def __post_init__(self) -> None:
        super().__post_init__()
        epochs = list(self.unfreeze_at)
        if epochs != sorted(set(epochs)) or any(epoch < 0 for epoch in epochs):
            raise ConfigError(
                f"TuningConfig.unfreeze_at is {epochs}; it must be epochs in rising order, from 0, such as 0 2 4."
            )

    @property
    def learns(self) -> bool:
        """Whether anything of a tower does."""
        return self.image != "nothing" or self.text != "nothing"
