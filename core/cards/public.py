"""What of a run's settings may leave this machine: no folders of it."""

from __future__ import annotations

from core.config.command import command_of
from core.config.encoders import ENCODERS, LOCAL, EncoderConfig, TowerConfig
from core.config.run import RunConfig

OF_FOLDER = "your own towers"
"""What an encoder is called whose towers came from a folder."""


def public_encoder(encoder: EncoderConfig) -> EncoderConfig:
    """The encoder without the names of folders: whoever loads it says where the same weights lie."""
    if not any(_local(tower) for tower in (encoder.image, encoder.text)):
        return encoder
    return EncoderConfig(key=OF_FOLDER, image=_without(encoder.image), text=_without(encoder.text))


def _local(tower: TowerConfig) -> bool:
    return tower.name.startswith(LOCAL)


def _without(tower: TowerConfig) -> TowerConfig:
    return tower.replace(name=LOCAL) if _local(tower) else tower


def public_command(config: RunConfig) -> str:
    """The command that makes a run again; its label stays at home, and ``FOLDER`` stands for towers in a folder."""
    known = config.replace(label="", start_from="")
    if public_encoder(config.encoder) == config.encoder:
        return command_of(known)
    return command_of(known.replace(encoder=ENCODERS["lite"])).replace("--encoder lite", "--encoder FOLDER")
