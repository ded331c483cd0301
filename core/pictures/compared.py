"""What runs of one study are compared by: measures, and what each run scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.errors import ArtefactError
from core.figures.tabular import columns_csv
from core.metrics.bootstrap import interval, percentile_interval
from core.metrics.comparison import NAN, Replicated
from core.metrics.results import Interval
from core.pictures.missing import no_pairs, no_scores
from core.pictures.partners import kind_of_texts
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study

POINT = 0.01
"""One point, of scores from 0 to 1 that are told in per cent: a smaller difference counts as none."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of a run, and the words for a difference.

    Attributes:
        title: what it is called.
        over: whom chance is in: ``test`` patients, those of ``pairs`` of radiographs and texts, or nobody (``none``).
        margin: differences up to this one count as none.
        better: which way is better; None where neither is.
        place: in ``evaluation.json``, of those with chance in nobody.
        higher, lower, unchanged: what is said of a difference.
        points: whether differences are told in points of a hundred.
        about: what it measures.
        share: whether it lies in 0 to 1.
    """

    title: str
    over: Literal["test", "pairs", "none"]
    margin: float
    better: Literal["higher", "lower"] | None = None
    place: tuple[str, ...] = ()
    higher: str = "{} higher"
    lower: str = "{} lower"
    unchanged: str = "{} unchanged"
    points: bool = False
    about: str = ""
    share: bool = True

    def told(self, value: float) -> str:
        """A value in words."""
        return "–" if np.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"

    def change(self, value: float) -> str:
        """A difference in words."""
        if self.points:
            return f"{round(100 * value, 1) + 0.0:+.1f}"
        return f"{round(value, 3) + 0.0:+.3f}" if abs(value) < 10 else f"{value:+.1f}"

    @property
    def unit(self) -> str:
        return " points" if self.points else ""


def _score(title: str, about: str) -> Measure:
    return Measure(title=title, over="test", margin=POINT, better="higher", points=True, about=about)


def _recall(k: int, words: str) -> Measure:
    about = f"share whose partner is among the {k} nearest, {words}"
    return Measure(title=f"Recall@{k} {words}", over="pairs", margin=POINT, better="higher", points=True, about=about)


MEASURES: dict[str, Measure] = {
    "prompt_cosine": Measure(
        title="Prompts, mean |cosine|",
        over="none",
        margin=0.01,
        place=("prompts", "mean_abs"),
        higher="Draws disease prompts together: mean |cosine|",
        lower="Pushes disease prompts apart: mean |cosine|",
        unchanged="Leaves disease prompts as far apart as they were: mean |cosine|",
        about="mean |off-diagonal cosine| of the disease prompts",
    ),
    "auroc": _score("Macro AUROC", "mean over the findings with both classes"),
    "average_precision": _score("Macro average precision", "mean over the findings with both classes"),
    "mse": Measure(
        title="Mean squared error", over="test", margin=0.001, better="lower", about="of the probabilities (Brier)"
    ),
    "zero_shot": _score("Zero-shot AUROC", "macro AUROC of the cosines to the disease prompts"),
    "gap": Measure(
        title="Modality gap",
        over="pairs",
        margin=0.01,
        higher="{} wider",
        lower="{} narrower",
        about="distance between the mean image and the mean text",
        share=False,
    ),
    "recall_1_image_to_text": _recall(1, "image → text"),
    "recall_5_image_to_text": _recall(5, "image → text"),
    "recall_1_text_to_image": _recall(1, "text → image"),
    "recall_5_text_to_image": _recall(5, "text → image"),
    "effective_rank": Measure(
        title="Effective rank of images",
        over="none",
        margin=1.0,
        place=("effective_rank",),
        higher="Images use more directions: effective rank",
        lower="Images use fewer directions: effective rank",
        unchanged="Images use as many directions: effective rank",
        about="how many directions the image embeddings use",
    ),
    "uniformity": Measure(
        title="Uniformity of images",
        over="none",
        margin=0.05,
        place=("uniformity_images",),
        higher="Images lie closer together: uniformity",
        lower="Images spread more evenly: uniformity",
        unchanged="Images spread as evenly: uniformity",
        about="log of the mean exp(-2 d²) over pairs of image embeddings; lower is more even",
    ),
    "trustworthiness": Measure(
        title="Map trustworthiness",
        over="none",
        margin=0.01,
        better="higher",
        higher="The map keeps neighbours better: trustworthiness",
        lower="The map keeps neighbours worse: trustworthiness",
        unchanged="The map keeps neighbours as well: trustworthiness",
        about="whether neighbours on the map are neighbours in the space",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What one run scored.

    Attributes:
        values: by measure; NaN where it has none.
        drawn: by measure, with replicates over patients.
        n_patients: by what chance is in (``test``, ``pairs``).
        lacking: by what chance is in, why there is nothing.
        texts: which radiographs' texts, and what they are: recall and gap compare where these are the same.
    """

    run: Run
    values: Mapping[str, float]
    drawn: Mapping[str, Replicated]
    n_patients: Mapping[str, int]
    lacking: Mapping[str, str]
    texts: tuple[str | None, bytes, bytes]

    def interval(self, name: str) -> Interval:
        """A value with its 95 % interval, where patients were resampled."""
        if name not in self.drawn:
            return Interval(value=self.values.get(name, NAN), low=NAN, high=NAN)
        one = self.drawn[name]
        made = interval if MEASURES[name].share else percentile_interval
        return made(one.value, one.replicates, n_patients=self.n_patients[MEASURES[name].over])


def scored(source: Source, run: Run, study: Study) -> Scored:
    """All measures of a run that finished its evaluate stage."""
    drawn: dict[str, Replicated] = {}
    patients, lacking = {"test": 0, "pairs": 0}, {}
    if reason := no_scores(study):
        lacking["test"] = reason
    else:
        judged = source.patient_scores(run, study)
        drawn |= judged.scores
        patients["test"] = judged.n_patients
    images, _, rows = source.pairs(run, study)
    texts: tuple[str | None, bytes, bytes] = (kind_of_texts(run), rows.tobytes(), b"")
    if reason := no_pairs(study, len(images)):
        lacking["pairs"] = reason
    else:
        paired = source.pair_scores(run, study)
        drawn |= paired.scores
        patients["pairs"] = paired.n_patients
        texts = (*texts[:2], source.searched(run, study).group.tobytes())
    values = {name: one.value for name, one in drawn.items()} | _plain(source, run)
    return Scored(run=run, values=values, drawn=drawn, n_patients=patients, lacking=lacking, texts=texts)


def _plain(source: Source, run: Run) -> dict[str, float]:
    """The measures that no patient takes part in."""
    space = source.evaluation(run)["space"]
    found = {name: _at(space, one.place) for name, one in MEASURES.items() if one.place}
    try:
        score = source.projection(run).faithfulness.get("trustworthiness") if run.has("project") else None
    except ArtefactError:
        score = None  # a map that is being made anew
    return {**found, "trustworthiness": NAN if score is None else float(score)}


def _at(part: Any, place: Sequence[str]) -> float:
    for step in place:
        part = None if part is None else part.get(step)
    return NAN if part is None else float(part)


def numbers_csv(found: Sequence[Scored]) -> bytes:
    """All measures of all runs, one line each."""
    lines = [(one, name, one.interval(name)) for one in found for name in MEASURES]
    return columns_csv(
        {
            "run": [short(one.run) for one, _, _ in lines],
            "id": [one.run.id for one, _, _ in lines],
            "measure": [MEASURES[name].title for _, name, _ in lines],
            **{end: np.array([getattr(own, end) for _, _, own in lines]) for end in ("value", "low", "high")},
            "patients": np.array([one.n_patients.get(MEASURES[name].over, 0) or NAN for one, name, _ in lines]),
        }
    )
