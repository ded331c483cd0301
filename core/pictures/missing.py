"""What the pictures of a study cannot show, and why, one sentence each; None where nothing is missing."""

from __future__ import annotations

from core.studies.study import Study


def judged(study: Study) -> str:
    """The radiographs that space and scores are measured on, in words."""
    return "test radiographs" if len(study.rows("test")) else "radiographs"


def no_test(study: Study) -> str | None:
    """Centroids, gap and pairs are then of radiographs that the model was trained on, too."""
    if len(study.rows("test")):
        return None
    return "This study has no test split: what is measured here is measured on all of its radiographs."


def no_comparison(study: Study) -> str | None:
    """Why no disease can be compared with another."""
    if not study.findings:
        return "This study has no findings, so there are no disease prompts and no disease centroids to compare."
    if len(study.findings) == 1:
        return "This study has one finding, so there is no other disease to compare it with."
    return None


def no_centroids(study: Study, support: int) -> str | None:
    """Which diseases have no centroid.

    Args:
        study: whose findings.
        support: how many of them occur among the judged radiographs.
    """
    without = len(study.findings) - support
    if not without:
        return None
    return f"No centroid for {without} of {len(study.findings)} findings: no positive among the {judged(study)}."


def no_pairs(study: Study, pairs: int) -> str | None:
    """Why no gap can be measured.

    Args:
        study: whose texts.
        pairs: how many of the judged radiographs have a text in the model's space.
    """
    if pairs > 1:
        return None
    if not study.has_text and not study.findings:
        return "This study has neither texts nor findings to make them from, so there is no gap to measure."
    have = "One" if pairs else "None"
    return f"{have} of the {judged(study)} has a text in this model's space, so there is no gap to measure."


def no_scores(study: Study) -> str | None:
    """Why no run of a study is judged disease by disease."""
    if not study.findings:
        return "This study has no findings, so there is nothing to classify."
    if not len(study.rows("test")):
        return "This study has no test split, so nothing can be judged on it."
    return None
