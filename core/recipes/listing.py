"""All recipes by the names of their figures, and recipes out of files and words."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_origin

from core.config.base import hints_of
from core.errors import ConfigError
from core.recipes import (
    attention,
    compare,
    confusion,
    curves,
    diseases,
    gap,
    retrieval,
    scores,
    similarity,
    space,
    studies,
    work,
)
from core.recipes.base import Recipe

RECIPES: dict[str, type[Recipe]] = {
    one.figure: one
    for one in (
        curves.Curves,
        attention.Attention,
        attention.Pointing,
        diseases.Auroc,
        confusion.Confusion,
        confusion.ConfusionOne,
        confusion.ConfusionDifference,
        confusion.ConfusionPairs,
        confusion.RateDifferences,
        diseases.ZeroShot,
        compare.Comparison,
        retrieval.Recall,
        retrieval.Ranks,
        gap.Cones,
        gap.GapFindings,
        gap.GapMap,
        gap.GapTemperature,
        gap.Shift,
        scores.AurocDifference,
        scores.Calibration,
        scores.Groups,
        scores.MistakenFor,
        scores.PrecisionRecall,
        scores.Roc,
        scores.Subgroups,
        similarity.Difference,
        similarity.OrthogonalLoss,
        similarity.Pairs,
        similarity.Similarity,
        similarity.SimilarityEpochs,
        similarity.SimilarityMoment,
        space.Selection,
        space.Space,
        studies.Ages,
        studies.Combinations,
        studies.PerPatient,
        studies.Prevalence,
        studies.Sexes,
        studies.TextLengths,
        studies.Together,
        studies.Views,
        studies.Words,
        work.AblationForest,
        work.SearchPicture,
    )
}
"""Every figure that can be made again."""


def recipe_named(figure: str) -> type[Recipe]:
    """The class of a figure's recipe.

    Raises:
        ConfigError: there is no such figure; says which there are.
    """
    if figure not in RECIPES:
        raise ConfigError(f"There is no figure {figure!r}; there are {', '.join(sorted(RECIPES))}.")
    return RECIPES[figure]


def recipe_from_json(data: Any) -> Recipe:
    """The recipe that ``to_json`` gave.

    Raises:
        ConfigError: it is none of ours, or its settings are not allowed.
    """
    if not isinstance(data, dict) or not isinstance(data.get("figure"), str):
        raise ConfigError("A recipe is a JSON object with the name of its figure under 'figure'.")
    settings = {name: value for name, value in data.items() if name != "figure"}
    return recipe_named(data["figure"]).from_json(settings)


def all_in_words() -> str:
    """All figures with what they take beside runs."""
    lines = []
    for name, owner in sorted(RECIPES.items()):
        lines.append(f"{name}: {(owner.__doc__ or '').partition(chr(10))[0]}")
        for setting, help in owner.help().items():
            if setting != "runs":
                lines.append(f"    --{setting.replace('_', '-')}: {help}")
    return "\n".join(lines)


def recipe_in_words(figure: str, words: dict[str, list[str]]) -> Recipe:
    """A recipe from what was typed: each setting's words.

    Raises:
        ConfigError: no such figure or setting, or a word that does not fit.
    """
    owner = recipe_named(figure)
    hints = hints_of(owner)
    known = [field.name for field in dataclasses.fields(owner)]  # type: ignore[arg-type]
    if unknown := sorted(set(words) - set(known)):
        raise ConfigError(f"{figure} has no setting {', '.join(unknown)}; it has {', '.join(known)}.")
    return owner(**{name: _value(name, hints[name], given) for name, given in words.items()})


def _value(name: str, hint: Any, words: list[str]) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_value(name, get_args(hint)[0], [word]) for word in words)
    if len(words) != 1:
        raise ConfigError(f"{name} takes one value; got {len(words)}.")
    word = words[0]
    if hint is bool:
        if word not in ("yes", "no"):
            raise ConfigError(f"{name} is {word!r}; it must be yes or no.")
        return word == "yes"
    if hint in (int, float):
        try:
            return hint(word)
        except ValueError:
            raise ConfigError(f"{name} is {word!r}; it must be a number.") from None
    return word
