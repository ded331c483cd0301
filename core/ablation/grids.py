"""Which configurations an ablation compares: named grids, and any preset with settings that are varied."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.config.ablation import AblationConfig, Variant
from core.config.paths import changed, parse, settings, shown
from core.config.presets import ENCODER_OF, PRESETS, preset
from core.config.run import RunConfig
from core.errors import ConfigError

Bases = list[tuple[str, RunConfig]]


@dataclass(frozen=True)
class Grid:
    """A named grid: its configurations for one study and encoder, and the encoders it takes unless told otherwise."""

    make: Callable[[str, str], Bases]
    encoders: tuple[str, ...]

    @property
    def summary(self) -> str:
        return " ".join((self.make.__doc__ or "").split())


def demo(study: str, encoder: str) -> Bases:
    """Does the orthogonal module part the prompts of diseases, and what does it cost? The presets linear, orthogonal
    and contrastive."""
    return [(name, PRESETS[name](study, encoder)) for name in ("linear", "orthogonal", "contrastive")]


def alignment_losses(study: str, encoder: str) -> Bases:
    """Which loss of fine-grained alignment (system B) earns its place? The visual branch alone; visual and text branch
    with all losses that work on pictures as they are, each with weight 1; and all of these minus each one."""
    start = PRESETS["alignment"](study, encoder)
    everything = start.replace(objective=start.objective.replace(consistency=1.0, vector=1.0))
    losses = tuple(everything.objective.weights)
    without = [
        (f"without {loss}", everything.replace(objective=everything.objective.replace(**{loss: 0.0})))
        for loss in losses
    ]
    return [("visual only", PRESETS["alignment-visual"](study, encoder)), ("visual + text", everything), *without]


GRIDS: dict[str, Grid] = {
    "demo": Grid(demo, ("lite",)),
    "alignment-losses": Grid(alignment_losses, ("clip", "biomedclip", "lite")),
}


def ablation(
    base: str,
    *,
    study: str = "demo",
    seeds: Sequence[int] = (0, 1, 2),
    vary: Mapping[str, Sequence[str]] | None = None,
    name: str = "",
) -> AblationConfig:
    """A named grid, or a preset, crossed with settings that are varied.

    Args:
        base: a name of :data:`GRIDS` or of the presets.
        study: what all are trained and judged on.
        seeds: each configuration is trained once with each.
        vary: path of a setting (``objective.orthogonal``, ``encoder``) -> its values as typed; one value alone is set
            everywhere. Configurations that come out equal count once.
        name: of the ablation; empty: made from the base, the study and the paths.

    Raises:
        ConfigError: no such base, setting or value; or a configuration that cannot work (which one is said).
    """
    words = dict(vary or {})
    if bare := [path for path, values in words.items() if not values]:
        raise ConfigError(f"No values are given for {', '.join(bare)}: name them after the path.")
    own = GRIDS[base].encoders if base in GRIDS else (ENCODER_OF.get(base, "lite"),)
    encoders = tuple(words.pop("encoder", own))
    found: dict[str, RunConfig] = {}
    for encoder in encoders:
        for label, start in _bases(base, study, encoder):
            found |= _crossed(f"{label} · {encoder}" if len(encoders) > 1 else label, start, words)
    made = [Variant(label=label, run=run) for label, run in _distinct(found).items()]
    return AblationConfig(
        name=name or _slug(base, study, list(vary or {})), study=study, variants=tuple(made), seeds=tuple(seeds)
    )


def _bases(base: str, study: str, encoder: str) -> Bases:
    if base in GRIDS:
        return GRIDS[base].make(study, encoder)
    if base not in PRESETS:
        raise ConfigError(f"No grid or preset {base!r}; there are the grids {', '.join(GRIDS)} and the presets "
                          f"{', '.join(PRESETS)}.")  # fmt: skip
    return [(base, preset(base, study=study, encoder=encoder))]


def _crossed(label: str, start: RunConfig, words: Mapping[str, Sequence[str]]) -> dict[str, RunConfig]:
    """Label -> settings for every combination of the varied values."""
    choices = [[(path, parse(path, word, start)) for word in own] for path, own in words.items()]
    found = {}
    for combination in itertools.product(*choices):
        told = [f"{path.rsplit('.', 1)[-1]} {shown(value)}" for path, value in combination if len(words[path]) > 1]
        own = " · ".join([label, *told])
        try:
            found[own] = changed(start, dict(combination))
            found[own].check()
        except ConfigError as error:
            raise ConfigError(f"Configuration {own!r} cannot work: {error}") from error
    return found


def _distinct(found: Mapping[str, RunConfig]) -> dict[str, RunConfig]:
    """Each configuration under its first label."""
    kept: dict[str, RunConfig] = {}
    seen: list[dict[str, Any]] = []
    for label, run in found.items():
        own = settings(run)
        if own not in seen:
            seen.append(own)
            kept[label] = run
    return kept


def _slug(base: str, study: str, paths: Sequence[str]) -> str:
    """A name of the same question for the same command: its values may grow."""
    parts = [base, *([study] if study != base else []), *(path.rsplit(".", 1)[-1] for path in paths)]
    return re.sub(r"[^a-z0-9._-]+", "-", "-".join(parts).lower())[:64].strip("-._")
