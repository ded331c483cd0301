"""What a study is made of, drawn from the summary that was counted at its import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import studies_findings, studies_people, studies_sets, studies_texts
from core.figures.theme import LIGHT, Theme
from core.studies.summary import HEAD, TAIL
from core.studies.vocabulary import display_name

Summary = dict[str, Any]

SEXES = {"F": "Female", "M": "Male", "unknown": "Sex unknown"}
OTHER, UNKNOWN = "Other", "Unknown"


def names(summary: Summary) -> list[str]:
    return [display_name(one["name"]) for one in summary["findings"]]


def prevalence(summary: Summary, *, log: bool = False, theme: Theme = LIGHT) -> go.Figure:
    """How frequent each finding is, with head, medium and tail marked; the splits as marks."""
    states = [[one[state] for one in summary["findings"]] for state in ("present", "absent", "uncertain", "unknown")]
    return studies_findings.prevalence(
        names(summary),
        *states,
        groups=[one["group"] for one in summary["findings"]],
        limits=(100 * HEAD, 100 * TAIL),
        splits=summary["splits"],
        log=log,
        theme=theme,
    )


def co_occurrence(summary: Summary, *, relative: bool = True, theme: Theme = LIGHT) -> go.Figure:
    """Which findings are seen together, as P(column | row) or as counts."""
    pairs = summary["co_occurrence"]
    support = pairs["given" if relative else "known"]
    return studies_findings.co_occurrence(names(summary), pairs["both"], support, relative=relative, theme=theme)


def upset(summary: Summary, *, most: int = 20, theme: Theme = LIGHT) -> go.Figure:
    """The most frequent combinations of findings."""
    held = summary["combinations"]
    sizes = np.diagonal(np.reshape(summary["co_occurrence"]["both"], (len(summary["findings"]),) * 2))
    return studies_sets.upset(
        names(summary),
        sizes,
        [one["findings"] for one in held["sets"]],
        [one["count"] for one in held["sets"]],
        most=most,
        samples=held["samples"],
        theme=theme,
    )


def ages(summary: Summary, *, theme: Theme = LIGHT) -> go.Figure:
    """Age by sex and split."""
    held = summary["ages"]
    return studies_people.ages(
        held["edges"],
        held["counts"],
        np.sum(held["unknown"], axis=1),
        sexes=[SEXES[sex] for sex in held["sexes"]],
        splits=summary["splits"],
        theme=theme,
    )


def sexes(summary: Summary, *, theme: Theme = LIGHT) -> go.Figure:
    """Sex by split."""
    return _categories(summary, "sexes", "Sex", lambda name: SEXES[name], theme)


def views(summary: Summary, *, theme: Theme = LIGHT) -> go.Figure:
    """View by split: the most frequent ones by name."""
    return _categories(summary, "views", "View", str, theme)


def per_patient(summary: Summary, *, theme: Theme = LIGHT) -> go.Figure:
    """How many patients have one radiograph, two, and so on."""
    return studies_people.per_patient(summary["per_patient"], theme=theme)


def _categories(summary: Summary, key: str, title: str, shown: Callable[[str], str], theme: Theme) -> go.Figure:
    """Named categories, then what has another name and what has none, where there are such."""
    held = summary[key]
    rows = [(shown(name), counts) for name, counts in zip(held["names"], held["counts"], strict=True)]
    rows += [(name, held[part]) for name, part in ((OTHER, "other"), (UNKNOWN, "unknown")) if any(held[part])]
    return studies_people.category_shares(
        [name for name, _ in rows], [counts for _, counts in rows], title=title, splits=summary["splits"], theme=theme
    )


def text_lengths(summary: Summary, *, theme: Theme = LIGHT) -> go.Figure:
    """Lengths of the texts in words, by split."""
    texts = summary["texts"]
    held = texts["lengths"]
    return studies_texts.text_lengths(
        held["edges"], held["counts"], quantiles=texts["quantiles"], splits=summary["splits"], theme=theme
    )


def words(summary: Summary, *, most: int = 30, theme: Theme = LIGHT) -> go.Figure:
    """The words that most texts contain."""
    texts = summary["texts"]
    found = texts["words"]
    return studies_texts.words(
        [one["word"] for one in found],
        [one["texts"] for one in found],
        sum(texts["with_text"]),
        most=most,
        theme=theme,
    )
