"""The text that a radiograph is aligned with: its report, or a sentence made from its findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from core.studies.study import Study
from core.studies.vocabulary import spoken_name


def captions(study: Study, rows: Iterable[int] | None = None) -> Iterator[str | None]:
    """One text per sample: its own where it has one, else :func:`sentence` of its findings.

    None for a sample without a text of which no label is known: any sentence about it would be made up.

    Args:
        rows: of the samples wanted; all of them by default.
    """
    wanted, labels = list(range(len(study.samples)) if rows is None else rows), study.labels
    for row, text in zip(wanted, study.samples["text"].iloc[wanted].tolist(), strict=True):
        own = isinstance(text, str) and text.strip()
        yield text if own else _of_labels(study.findings, labels[row].tolist())


def _of_labels(findings: tuple[str, ...], labels: list[float]) -> str | None:
    return None if all(math.isnan(label) for label in labels) else sentence(findings, labels)


def sentence(findings: tuple[str, ...], labels: list[float]) -> str:
    """ "a chest radiograph showing mass and nodule"; unknown labels are not mentioned.

    Args:
        findings: K names.
        labels: K values: 1, 0 or NaN.
    """
    present = [spoken_name(name) for name, label in zip(findings, labels, strict=True) if label == 1]
    if not present:
        all_known = bool(labels) and not any(math.isnan(label) for label in labels)
        return "a chest radiograph with no acute findings" if all_known else "a chest radiograph"
    named = present[0] if len(present) == 1 else ", ".join(present[:-1]) + " and " + present[-1]
    return f"a chest radiograph showing {named}"
