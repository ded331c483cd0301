"""One or two report sentences per radiograph, in radiology's words, from findings, sides and severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.studies.vocabulary import NIH_FINDINGS

_NORMAL = (
    "No acute cardiopulmonary abnormality.",
    "The lungs are clear. Heart size and mediastinal contours are normal.",
    "Normal chest radiograph.",
    "Clear lungs bilaterally with a normal cardiomediastinal silhouette.",
    "The lungs are well expanded and clear. The costophrenic angles are sharp.",
    "Cardiac silhouette and pulmonary vasculature are within normal limits. No focal opacity.",
)

# {grade}: mild, moderate, severe; {size}: small, moderate, large; {side}: left, right, bilateral; {lung}: "left lung".
_PHRASES: dict[str, tuple[str, ...]] = {
    "Atelectasis": (
        "{grade} {side} basilar atelectasis",
        "plate-like atelectasis at the {side} lung base with {grade} volume loss",
        "{grade} {side} linear atelectasis with elevation of the hemidiaphragm",
    ),
    "Cardiomegaly": (
        "{grade} cardiomegaly",
        "{grade} enlargement of the cardiac silhouette, consistent with cardiomegaly",
    ),
    "Effusion": (
        "{size} {side} pleural effusion with blunting of the costophrenic angle",
        "{size} {side} pleural effusion",
        "{side} pleural effusion, {size}, with a meniscus along the chest wall",
    ),
    "Infiltration": (
        "{grade} patchy infiltration in the {lung}",
        "hazy {side} infiltrates, {grade}",
        "{grade} ill-defined infiltrate of the {lung}",
    ),
    "Mass": (
        "{size} rounded mass in the {lung}",
        "{size} {side} lung mass of more than 3 cm",
        "a {size} mass projects over the {lung}",
    ),
    "Nodule": (
        "{size} pulmonary nodule in the {lung}",
        "{size} rounded nodule projecting over the {lung}",
        "a {size} {side} lung nodule",
    ),
    "Pneumonia": (
        "{grade} {side} lobar airspace opacity consistent with pneumonia",
        "{grade} pneumonia of the {lung}",
        "patchy {side} opacity, {grade}, suspicious for pneumonia",
    ),
    "Pneumothorax": (
        "{size} {side} pneumothorax",
        "{size} {side} pneumothorax with a visible visceral pleural line",
        "{side} pneumothorax, {size}, without lung markings beyond the pleural edge",
    ),
    "Consolidation": (
        "{grade} dense consolidation in the {lung} with air bronchograms",
        "{grade} {side} consolidation",
        "homogeneous consolidation of the {lung}, {grade}",
    ),
    "Edema": (
        "{grade} pulmonary edema with perihilar haze",
        "{grade} bilateral perihilar opacities and vascular cephalization, consistent with pulmonary edema",
        "{grade} interstitial pulmonary edema with Kerley lines",
    ),
    "Emphysema": (
        "{grade} emphysema with hyperinflated lungs and flattened diaphragms",
        "hyperlucent lungs, {grade} emphysema",
        "{grade} emphysematous change",
    ),
    "Fibrosis": (
        "{grade} reticular fibrosis in the {side} lower zone",
        "{grade} {side} basal interstitial fibrosis",
        "coarse reticular opacities of the {lung}, {grade} fibrosis",
    ),
    "Pleural_Thickening": (
        "{grade} {side} pleural thickening",
        "{grade} thickening of the {side} lateral pleura",
        "{side} apical and lateral pleural thickening, {grade}",
    ),
    "Hernia": (
        "{size} hiatal hernia",
        "{size} retrocardiac hiatal hernia containing air",
        "a {size} hiatal hernia behind the heart",
    ),
}

_OPENINGS = ("", "", "Findings include ", "The radiograph shows ")


def _grade(severity: float, words: Sequence[str]) -> str:
    return words[int(severity > 0.36) + int(severity > 0.66)]


def _phrase(row: Mapping[str, Any], name: str, rng: np.random.Generator) -> str:
    severity = float(row.get(f"severity:{name}", 0.5))
    side = row.get(f"side:{name}") or "left"
    return str(rng.choice(_PHRASES[name])).format(
        grade=_grade(severity, ("mild", "moderate", "severe")),
        size=_grade(severity, ("small", "moderate", "large")),
        side="bilateral" if side == "both" else side,
        lung="lungs bilaterally" if side == "both" else f"{side} lung",
    )


def _join(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def report(row: Mapping[str, Any]) -> str:
    """Describe one row of the demo table; the same row always reads the same.

    Every present finding is named once; an absent one never is.
    """
    rng = np.random.default_rng([int(row["render_seed"]), 21])
    present = [name for name in NIH_FINDINGS if float(row[f"finding:{name}"]) == 1.0]
    if not present:
        text = str(rng.choice(_NORMAL))
    else:
        present.sort(key=lambda name: -float(row.get(f"severity:{name}", 0.0)))
        phrases = [_phrase(row, name, rng) for name in present]
        half = len(phrases) if len(phrases) < 3 else (len(phrases) + 1) // 2
        sentences = [_join(part) for part in (phrases[:half], phrases[half:]) if part]
        sentences[0] = str(rng.choice(_OPENINGS)) + sentences[0]
        text = " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences)
    if row.get("view") == "AP" and rng.random() < 0.4:
        text = f"AP view: {text[0].lower() + text[1:] if not text.startswith('AP') else text}"
    return text
