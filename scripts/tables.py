"""A finished run, and a study, in the terminal."""

from __future__ import annotations

import math
from typing import Any

from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from core.work import read_progress

Value = dict[str, Any]


def report(run: Run) -> str:
    """Scores per disease with 95 % intervals, the space in numbers, and the seconds that each stage took."""
    data = run.evaluation()
    return "\n".join([_scores(run, data), "", *_space(data["space"]), "", _timing(run), f"run folder: {run.folder}"])


def _scores(run: Run, data: Value) -> str:
    test = data["test"]
    if test is None:
        return f"{run.title} on {run.config.study}: {data['missing']['test']}"
    lines = [
        f"{run.title} on {run.config.study}: {test['n']} test radiographs of {test['n_patients']} patients",
        f"{'':22}{'n+':>6}  {'AUROC':22}{'average precision':22}{'POS':>6}  {'threshold':>9}",
    ]
    for row in test["findings"]:
        cosine = data["zero_shot_auroc"][row["finding"]]
        lines.append(
            f"{display_name(row['finding']):22}{row['positives']:>6}  {_interval(row['auroc']):22}"
            f"{_interval(row['average_precision']):22}{_number(cosine):>6}  {_number(row['threshold']['value']):>9}"
        )
    macro = test["macro"]
    lines.append(
        f"{'macro (' + str(macro['n_findings']) + ' findings)':28}  {_interval(macro['auroc']):22}"
        f"{_interval(macro['average_precision'])}"
    )
    lines.append(f"mean squared error of the probabilities: {_number(test['overall_mse'])}")
    return "\n".join(lines)


def _space(space: Value) -> list[str]:
    def cosines(values: Value | None) -> str:
        return (
            "fewer than two" if values is None else f"mean {values['mean']:+.3f}  mean |cos| {values['mean_abs']:.3f}"
        )

    return [
        f"cosines between disease prompts    {cosines(space['prompts'])}",
        f"  the same by the towers alone     {cosines(space['prompts_frozen'])}",
        f"cosines between disease centroids  {cosines(space['centroids'])}",
        f"modality gap {_number(space['gap'])}   alignment {_number(space['alignment'])}   "
        f"uniformity of images {_number(space['uniformity_images'])}   "
        f"({space['pairs']} pairs, split: {space['rows']})",
    ]


def _timing(run: Run) -> str:
    parts = [f"{stage['stage']} {stage['seconds']:.1f} s" for stage in read_progress(run.folder)["finished"]]
    return "took: " + ", ".join(parts)


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def _interval(interval: Value) -> str:
    if interval["value"] is None:
        return "–"
    return f"{interval['value']:.3f} [{_number(interval['low'])}, {_number(interval['high'])}]"


def describe(study: Study) -> str:
    """A study: counts, splits, findings, notes, and what was set aside and why."""
    facts, positives = study.manifest, (study.stated == 1).sum(axis=0)
    found = [f"{display_name(name)} {count}" for name, count in zip(study.findings, positives, strict=True)]
    lines = [
        f"study {study.name}: {facts['samples']:,} radiographs of {facts['patients']:,} patients, "
        f"{facts['size']} x {facts['size']} pixels{' (synthetic)' if study.synthetic else ''}",
        "splits: " + ", ".join(f"{split} {count:,}" for split, count in facts["splits"].items()),
        "findings: " + (", ".join(found) or "none"),
        *facts["notes"],
    ]
    if len(aside := study.set_aside):
        lines.append(f"set aside: {len(aside):,}")
        for reason, rows in aside.groupby("reason")["row"]:
            lines.append(
                f"  {len(rows):,} x {reason} (rows {', '.join(map(str, rows[:5]))}{' …' if len(rows) > 5 else ''})"
            )
    return "\n".join([*lines, f"fingerprint: {study.fingerprint}", f"folder: {study.folder}"])
