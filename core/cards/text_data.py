"""The card's section on data: where it comes from, how it was split, how much there is of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.cards.wording import bullets, escaped, table
from core.config.model import ModelConfig
from core.studies.study import SPLITS, UNCERTAIN
from core.studies.vocabulary import display_name

Values = Mapping[str, Any]


def data_section(study: Values, config: ModelConfig) -> str:
    """Study, splits, prevalence and subgroups."""
    kind = "synthetic: its radiographs are of nobody" if study["synthetic"] else "radiographs of people"
    return "\n".join(
        [
            "## Data",
            "",
            *bullets(
                f"Study `{study['name']}`: {escaped(study['title'])} (source `{study['source']}`), {kind}",
                f"{study['samples']:,} radiographs of {study['patients']:,} patients; reports: "
                f"{'yes' if study['has_text'] else 'none'}",
                f"Uncertain labels ({study['uncertain']}): {UNCERTAIN.get(study['uncertain'], 'unknown policy')}",
                f"Fingerprint `{study['fingerprint']}`, split hash `{study['split_hash']}`",
                _crossing(study["patients_in_two_splits"]),
                *map(escaped, study["notes"]),
            ),
            "",
            table(
                ("split", "radiographs", "patients"),
                [(name, f"{own['radiographs']:,}", f"{own['patients']:,}") for name, own in study["splits"].items()],
            ),
            "",
            _prevalence(study),
            "",
            _groups(study["groups"]),
            "",
            _patients(config),
        ]
    )


def _crossing(patients: int) -> str:
    if patients:
        return f"**{patients:,} patients are in more than one split**, so that results on test are too good"
    return "Splits are by patient: none is in two of them"


def _prevalence(study: Values) -> str:
    if not study["findings"]:
        return "The study has no findings."
    rows = []
    for own in study["findings"]:
        shares = [_share(own["present"][split], own["known"][split]) for split in SPLITS]
        rows.append((escaped(display_name(own["finding"])), *shares))
    return "Present, of those whose label is known:\n\n" + table(("finding", *SPLITS), rows)


def _share(present: int, known: int) -> str:
    return f"{present:,} of {known:,} ({100 * present / known:.1f} %)" if known else "n = 0"


def _groups(groups: Values) -> str:
    """Radiographs in each subgroup and split."""
    rows = []
    for own in groups.values():
        for name, counts in zip(own["names"], own["counts"], strict=True):
            rows.append((escaped(str(name)), *(f"{count:,}" for count in counts)))
        rows += [(f"{name} {word}", *(f"{count:,}" for count in own[word])) for name, word in _rest(groups, own)]
    return "Subgroups (radiographs):\n\n" + table(("group", *SPLITS), rows)


def _rest(groups: Values, own: Values) -> list[tuple[str, str]]:
    """What has no name of its own: other and unknown, where there is any."""
    name = {"sexes": "sex", "views": "view"}[next(key for key, value in groups.items() if value is own)]
    return [(name, word) for word in ("other", "unknown") if any(own[word])]


def _patients(config: ModelConfig) -> str:
    listed = ", ".join(f"`{one.study}` ({one.fingerprint})" for one in config.trained_on) or "no study"
    more = "; it began with weights of which this is not known" if config.others else ""
    return (
        f"Learned from the training split of: {listed}{more}. This folder names no patients, so nobody can tell "
        "from it whether a person of another study was in its training. Only where a study has the same fingerprint "
        "is it known, and its training patients are then refused."
    )
