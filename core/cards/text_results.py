"""The card's sections on results and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.cards.wording import bullets, escaped, number, table, with_interval
from core.metrics.thresholds import Threshold
from core.studies.vocabulary import display_name

Values = Mapping[str, Any]


def results_section(evaluation: Values, study: Values) -> str:
    """Scores on the test split with 95 % intervals, calibration, and the space."""
    lines = ["## Results", ""]
    test = evaluation["test"]
    if test is None:
        lines.append(escaped(str((evaluation["missing"] or {}).get("test", "Nothing was judged: no test split."))))
    else:
        lines += [
            f"Test split: {test['n']:,} radiographs of {test['n_patients']:,} patients. In brackets: 95 % intervals "
            f"over {test['replicates']:,} resamplings of patients. Calibration error: expected calibration error of "
            "the probabilities, 0 is perfect.",
            "",
            _findings(test, evaluation["zero_shot_auroc"] or {}),
            "",
            *bullets(
                f"Macro AUROC of {test['macro']['n_findings']} of {test['macro']['n_total']} findings (those with both "
                f"classes): {with_interval(test['macro']['auroc'])}",
                f"Macro average precision: {with_interval(test['macro']['average_precision'])}",
                *_groups(test),
                f"Mean squared error of all probabilities: {number(test['overall_mse'])}",
            ),
        ]
    return "\n".join([*lines, "", *_space(evaluation["space"])])


def _findings(test: Values, zero_shot: Values) -> str:
    heads = ("finding", "present", "AUROC", "average precision", "zero-shot AUROC", "calibration error")
    rows = [
        (
            escaped(display_name(own["finding"])),
            f"{own['positives']:,} of {own['n']:,}",
            with_interval(own["auroc"]),
            with_interval(own["average_precision"]),
            number(zero_shot.get(own["finding"])),
            number(own["calibration_error"]),
        )
        for own in test["findings"]
    ]
    return table(heads, rows)


def _groups(test: Values) -> list[str]:
    named = {"head": "more than 10 %", "medium": "1 to 10 %", "tail": "up to 1 %"}
    return [
        f"Macro AUROC of the {own['n_findings']} findings present in {named[own['name']]}: "
        f"{with_interval(own['auroc'])}"
        for own in test["groups"]
        if own["n_findings"] and own["name"] in named
    ]


def _space(space: Values) -> list[str]:
    def mean(found: Values | None) -> str:
        return "fewer than two" if found is None else f"mean cosine {number(found['mean'])}"

    return [
        "The embedding space:",
        "",
        *bullets(
            f"Prompts of different findings: {mean(space['prompts'])}; by the towers alone: "
            f"{mean(space['prompts_frozen'])}",
            f"Modality gap {number(space.get('gap'))}, alignment {number(space.get('alignment'))}, uniformity of "
            f"images {number(space.get('uniformity_images'))} ({space['pairs']:,} pairs)",
        ),
    ]


def thresholds_section(thresholds: Mapping[str, Threshold]) -> str:
    """A probability at or above its threshold is called present."""
    if not thresholds:
        return "## Thresholds\n\nNone: the study has no findings."
    rows = [
        (escaped(display_name(name)), f"{own.value:.4f}", escaped(own.rule), escaped(own.note) or "–")
        for name, own in thresholds.items()
    ]
    return "\n".join(
        [
            "## Thresholds",
            "",
            "A probability at or above it is called present; chosen on the validation split, never on test. On another "
            "study with a validation split they are chosen anew; without one, these are used.",
            "",
            table(("finding", "threshold", "rule", "note"), rows),
        ]
    )
