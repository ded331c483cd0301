"""From a config to towers: which family's code loads which."""

from __future__ import annotations

from core.config.encoders import EncoderConfig, TowerConfig
from core.errors import ConfigError
from core.towers import lite, open_clip
from core.towers.base import ImageTower, TextTower, Towers


def load_towers(config: EncoderConfig) -> Towers:
    """Both towers, in evaluation mode; a model that holds both is loaded once.

    Raises:
        WeightsMissing: not on this machine and no hub answers; says which, from where, and how to bring them.
    """
    if config.aligned:
        return _dual(config.image)
    return Towers(image=_image(config.image), text=_text(config.text))


def _dual(config: TowerConfig) -> Towers:
    if config.family == "open_clip":
        return open_clip.load(config)
    raise ConfigError(f"{config.family!r} cannot be loaded yet.")


def _image(config: TowerConfig) -> ImageTower:
    if config.family == "lite":
        return lite.LiteImage(config)
    return _dual(config).image


def _text(config: TowerConfig) -> TextTower:
    if config.family == "lite":
        return lite.LiteText(config)
    return _dual(config).text
