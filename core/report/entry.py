"""One figure of a report: its recipe, and how it looks. As a file it is what ``scripts.export --spec`` reads."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import plotly.graph_objects as go

from core.errors import ArtefactError, ConfigError
from core.figures.theme import DARK, LIGHT, Theme, with_palette
from core.files import read_json
from core.recipes.base import Recipe, Where
from core.recipes.listing import recipe_from_json

FORM = 1


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A figure of a report.

    Attributes:
        recipe: what makes it.
        caption: what its owner says of it.
        dark: in the colours of a dark page.
        palette: colours ``#rrggbb`` of runs and categories; none: those of the theme.
        camera: from where its scene is seen: eye, centre and up, three numbers each; none: the figure's own.
    """

    recipe: Recipe
    caption: str = ""
    dark: bool = False
    palette: tuple[str, ...] = ()
    camera: tuple[float, ...] = ()

    @property
    def theme(self) -> Theme:
        """Its colours.

        Raises:
            InputError: a palette of other things than two or more colours.
        """
        base = DARK if self.dark else LIGHT
        return with_palette(base, list(self.palette)) if self.palette else base

    @property
    def key(self) -> str:
        """Equal for the same figure, whatever its caption says, and from wherever it is seen."""
        data = {name: value for name, value in self.to_json().items() if name not in ("caption", "camera")}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]

    def draw(self, where: Where) -> go.Figure:
        """The figure.

        Raises:
            FluoroscopeError: it cannot be drawn any more; says why.
        """
        made = self.recipe.draw(where, self.theme)
        if self.camera and _turnable(made):
            eye, center, up = (dict(zip("xyz", self.camera[at : at + 3], strict=True)) for at in (0, 3, 6))
            made.update_layout(scene_camera={"eye": eye, "center": center, "up": up})
        return made

    def to_json(self) -> dict[str, Any]:
        """A JSON object; :meth:`from_json` gives an equal entry back."""
        return {
            "form": FORM,
            "recipe": self.recipe.to_json(),
            "caption": self.caption,
            "dark": self.dark,
            "palette": list(self.palette),
            "camera": list(self.camera),
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Rebuild from :meth:`to_json`; everything but the recipe may be left out.

        Raises:
            ConfigError: not of our form; says what is.
        """
        known = {"form", "recipe", "caption", "dark", "palette", "camera"}
        if not isinstance(data, dict) or "recipe" not in data or set(data) - known:
            raise ConfigError(f"A figure's specification is a JSON object with 'recipe', and of {sorted(known)} alone.")
        if data.get("form", FORM) != FORM:
            raise ConfigError(f"This specification has the form {data['form']!r}; this version reads form {FORM}.")
        caption, dark, palette = data.get("caption", ""), data.get("dark", False), data.get("palette", [])
        fits = isinstance(caption, str) and isinstance(dark, bool) and isinstance(palette, list)
        if not fits or not all(isinstance(colour, str) for colour in palette):
            raise ConfigError(
                "In a specification 'caption' is text, 'dark' true or false, 'palette' a list of colours."
            )
        made = cls(
            recipe=recipe_from_json(data["recipe"]),
            caption=caption,
            dark=dark,
            palette=tuple(palette),
            camera=_nine(data.get("camera", [])),
        )
        _ = made.theme  # a palette of something else is found now
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a specification.

        Raises:
            ConfigError: there is no such file, or it is not of our form.
        """
        try:
            data = read_json(path)
        except ArtefactError as error:
            raise ConfigError(f"{path} is no specification of a figure: {error}") from error
        return cls.from_json(data)


def _turnable(figure: go.Figure) -> bool:
    """Whether it has a scene that can be seen from elsewhere."""
    return any(trace.type == "scatter3d" for trace in figure.data)


def _nine(camera: Any) -> tuple[float, ...]:
    """Nine finite numbers, or none.

    Raises:
        ConfigError: something else.
    """
    numbers = camera if isinstance(camera, list) else [None]
    known = [float(one) for one in numbers if isinstance(one, (int, float)) and math.isfinite(one)]
    if len(numbers) not in (0, 9) or len(known) != len(numbers):
        raise ConfigError("In a specification 'camera' is nine numbers: eye, centre and up; or an empty list.")
    return tuple(known)
