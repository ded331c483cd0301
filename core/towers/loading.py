"""From a config to towers: which family's code loads which."""

from __future__ import annotations

from core.config.encoders import EncoderConfig, TowerConfig
from core.towers import bert, clip, lite, open_clip, timm, xrv
from core.towers.base import ImageTower, TextTower, Towers


def load_towers(config: EncoderConfig) -> Towers:
    """Both towers, in evaluation mode; a model that holds both is loaded once.

    Raises:
        WeightsMissing: not on this machine and no hub answers; says which, from where, and how to bring them.
    """
    if config.aligned:
        return _dual(config.image)
    return Towers(image=_image(config.image), text=_text(config.text))


def load_image(config: EncoderConfig) -> ImageTower:
    """The image tower alone, in evaluation mode.

    Raises:
        WeightsMissing: see :func:`load_towers`.
    """
    return _dual(config.image).image if config.aligned else _image(config.image)


def load_text(config: EncoderConfig) -> TextTower:
    """The text tower alone, in evaluation mode.

    Raises:
        WeightsMissing: see :func:`load_towers`.
    """
    return _dual(config.image).text if config.aligned else _text(config.text)


def _dual(config: TowerConfig) -> Towers:
    return clip.load(config) if config.family == "clip" else open_clip.load(config)


def _image(config: TowerConfig) -> ImageTower:
    if config.family == "lite":
        return lite.LiteImage(config)
    if config.family == "timm":
        return timm.load(config)
    if config.family == "xrv":
        return xrv.load(config)
    return _dual(config).image


def _text(config: TowerConfig) -> TextTower:
    if config.family == "lite":
        return lite.load_text()
    if config.family == "bert":
        return bert.load(config)
    return _dual(config).text
