"""Random changes to the radiographs that a run is trained on."""

from __future__ import annotations

from typing import Any

from core.config.base import Config, config, setting

NOT_OF_PICTURES = ("mixup", "views")
"""Settings that leave each single picture as it is."""


@config
class AugmentationConfig(Config):
    """How radiographs of the training split are changed, each by numbers of its own; everything is off by default."""

    crop: float = setting(
        default=1.0, help="smallest share of the area that a random square crop keeps; 1: no crop", low=0.05, high=1.0
    )
    rotation: float = setting(default=0.0, help="degrees at most, to either side; 0: none", low=0.0, high=45.0)
    translation: float = setting(
        default=0.0, help="share of the side at most, in each direction; 0: none", low=0.0, high=0.5
    )
    flip: float = setting(
        default=0.0,
        help="probability of a mirror image; leave it 0: the heart has a side, and so have texts",
        low=0.0,
        high=1.0,
    )
    brightness: float = setting(
        default=0.0, help="grey levels (of 255) at most, brighter or darker; 0: none", low=0.0, high=128.0
    )
    contrast: float = setting(
        default=0.0, help="share at most by which contrast rises or falls about middle grey; 0: none", low=0.0, high=0.9
    )
    gamma: float = setting(
        default=1.0, help="largest exponent of a gamma curve, its reciprocal the smallest; 1: none", low=1.0, high=4.0
    )
    noise: float = setting(
        default=0.0, help="largest standard deviation of Gaussian noise, in grey levels; 0: none", low=0.0, high=128.0
    )
    cutout: float = setting(
        default=0.0, help="share of the side that a black square has (CutOut); 0: none", low=0.0, high=0.9
    )
    cutout_probability: float = setting(
        default=0.5, help="how often a radiograph gets a black square", low=0.0, high=1.0
    )
    mixup: float = setting(
        default=0.0, help="alpha of MixUp's Beta distribution, such as 0.2; 0: none", low=0.0, high=10.0
    )
    views: int = setting(
        default=4,
        help="changed versions of each radiograph that a frozen tower sees once; epochs take them in turn",
        low=1,
        high=64,
    )

    @property
    def changes_pictures(self) -> bool:
        """Whether any single picture comes out changed (MixUp alone leaves pictures as they are)."""
        some = (self.rotation, self.translation, self.flip, self.brightness, self.contrast, self.noise)
        return self.crop < 1 or self.gamma > 1 or any(some) or self.cutout * self.cutout_probability > 0

    @property
    def enabled(self) -> bool:
        """Whether anything at all is done."""
        return self.changes_pictures or self.mixup > 0

    def of_pictures(self) -> dict[str, Any]:
        """The settings that a changed picture depends on, as JSON values: part of the key of whatever is cached."""
        return {name: value for name, value in self.to_json().items() if name not in NOT_OF_PICTURES}

    def view(self, epoch: int) -> int:
        """Which of its views a frozen tower's run is trained on in an epoch (from 0): each in turn."""
        return epoch % self.views
