"""One realistic example of every figure, with hostile names, and what each has to say when there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.ablation import differences
from core.figures.attention import Box, Overlay, pointing_rates, saliency_maps
from core.figures.colouring import Colouring
from core.figures.compare import Differences, score_differences
from core.figures.confusion import Matrix, confusion_grid, confusion_one
from core.figures.curves import Curve, Reference, loss_curves
from core.figures.diseases import auroc_intervals
from core.figures.drawing import Anchor, Drawing, Marked, Moment
from core.figures.gap import ShiftLine, ShiftRow, cosine_cones, paired_map, shift_curve
from core.figures.gap_runs import FindingGaps, TemperaturePoint, finding_gaps, temperature_gaps
from core.figures.paired import Compared, confusion_difference, discordant_pairs, rate_differences
from core.figures.prevalence import selection_prevalence
from core.figures.radiographs import radiograph_row
from core.figures.retrieval import Ranks, Recall, rank_shares, recall_curves
from core.figures.search import Point, history, importance_bars, intermediate, slices
from core.figures.similarity import Tree, off_diagonal_distribution, similarity_difference, similarity_panels
from core.figures.similarity_epochs import Measure, over_epochs
from core.figures.space import space_2d, space_3d
from core.figures.studies_findings import co_occurrence, prevalence
from core.figures.studies_people import ages, category_shares, per_patient
from core.figures.studies_sets import upset
from core.figures.studies_texts import text_lengths, words
from core.figures.theme import Theme
from core.figures.zero_shot import prompt_scores
from core.studies.vocabulary import NIH_FINDINGS, display_name
from tests.figures import examples_scores

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/a.png)"
NAMES = [display_name(name) for name in NIH_FINDINGS]
WORST = [HOSTILE, *NAMES[1:]]
K = len(NAMES)

Make = Callable[[Theme], go.Figure]


def drawn_colours(trace: Any) -> np.ndarray:
    """The colour of each marker as plotly.js takes it from the scale."""
    marker = trace.marker
    places = (np.asarray(marker.color, float) - marker.cmin) / (marker.cmax - marker.cmin)
    stops, colours = zip(*marker.colorscale, strict=True)
    return np.array([colours[int(np.searchsorted(stops, place))] for place in places])


def _random() -> np.random.Generator:
    return np.random.default_rng(0)


def cosines(rank: int = 24, *, missing: bool = False) -> np.ndarray:
    """Cosines (K, K) of random prompts; the last disease has no support."""
    vectors = _random().normal(size=(K, rank)) + 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = vectors @ vectors.T
    if missing:
        found[-1] = found[:, -1] = np.nan
    return found


def auroc() -> dict[str, Any]:
    values = _random().uniform(0.6, 0.9, (2, K))
    values[:, -1] = np.nan
    return {"values": list(values), "lows": list(values - 0.04), "highs": list(values + 0.03)}


def pointed() -> dict[str, Any]:
    """Rates of two runs; nothing of the last disease."""
    found = auroc()
    return {"rates": found["values"], "lows": found["lows"], "highs": found["highs"]}


def gaps(name: str, overall: float) -> FindingGaps:
    """Gaps of a run; the last disease has too few pairs."""
    own = np.where(np.arange(K) == K - 1, np.nan, overall + _random().uniform(-0.1, 0.1, K))
    return FindingGaps(name=name, gaps=own, expected=own - 0.02, support=np.arange(K)[::-1] + 4, overall=overall)


COUNTS = [np.array([[900 + at, 100], [30, 70 - at]]) for at in range(K - 1)] + [np.array([[950, 50], [0, 0]])]


def matrices(names: list[str], counts: Sequence[np.ndarray] = COUNTS) -> list[Matrix]:
    """Confusion matrices with intervals that are as wide everywhere; where a row is empty there are none."""
    found = []
    for name, own in zip(names, counts, strict=True):
        rates = np.divide(
            own, own.sum(axis=1, keepdims=True), out=np.full((2, 2), np.nan), where=own.sum(1)[:, None] > 0
        )
        found.append(Matrix(name=name, counts=own, low=rates - 0.05, high=rates + 0.05, threshold=0.3, unknown=4))
    return found


XYZ = _random().normal(size=(60, 3))
VALUES = np.where(np.arange(60) % 7 == 0, np.nan, np.linspace(20, 90, 60))
CATEGORIES = np.array([None if at % 9 == 0 else WORST[at % K] for at in range(60)], dtype=object)
ANCHORS = [Anchor(label=name, xyz=XYZ[at].tolist(), symbol="prompt") for at, name in enumerate(WORST)]
BY_NAME = Colouring(values=CATEGORIES, kind="categorical")
BY_NUMBER = Colouring(values=VALUES, kind="continuous", title=HOSTILE)
BY_FINDING = Colouring(values=np.where(np.isnan(VALUES), np.nan, VALUES > 50), kind="binary", title=HOSTILE)
MOMENTS = [Moment(name=f"{HOSTILE} {share}", coordinates=XYZ * share, anchors=XYZ[:K] * share) for share in (0.2, 1.0)]
CORNERS = [(0, -1), (3, -1), (3, 2)]
LOSSES = np.where(np.arange(200) == 50, np.nan, 2.6 * np.exp(-np.arange(200) / 60))
SHIFT = np.arange(-5, 5.01, 0.25)
SPLITS = (HOSTILE, "val", "test")
STATES = _random().integers(0, 500, (4, K, 3)) // np.arange(1, K + 1)[:, None]
STATES[:2, -1] = 0  # the last finding is nowhere known
GROUPS = ["head"] * 4 + ["medium"] * 5 + ["tail"] * (K - 10) + ["none known"]
LIMITS = (10.0, 1.0)
PAIRS = _random().integers(0, 90, (K, K))
SUPPORT = np.where(np.arange(K)[:, None] == K - 1, 0, np.full((K, K), 300))
PAIRS[-1] = 0
KS = np.array([1, 2, 5, 10, 20])
RECALLS = [
    Recall(name=name, ks=KS, values=KS / 20, lows=KS / 20 - 0.02, highs=np.minimum(1, KS / 20 + 0.03))
    for name in (HOSTILE, "b")
]
RANKS = [Ranks(name=name, ranks=_random().integers(1, 21, 20), median=9.5) for name in (HOSTILE, "b")]
AGAINST = [
    Differences(name=name, values=[1.5, -3.0, np.nan], lows=[0.4, -9.0, np.nan], highs=[2.5, 1.0, np.nan],
                shown=[True, False, False])
    for name in (HOSTILE, "b")
]  # fmt: skip
SETS: list[list[int]] = [[], [0], [0, 2, 5], [1, 2], [K - 1]]
PICTURES = _random().integers(0, 256, (6, 32, 32))
VERSIONS = [f"view {at}" for at in range(1, 6)]
DONE = [[HOSTILE], ["crop 0.82", "+4.1°", "left 2.0 %"], [], ["noise 6.0"], ["mirrored"], ["as it is"]]
LOOKED = [
    Overlay(title=name, words=[f"logit {HOSTILE}", "Grad-CAM"], values=values, peak=peak)
    for name, values, peak in (
        (HOSTILE, _random().random((7, 7)), (0.5, 0.36)),
        ("b", np.zeros((2, 2)), None),
        ("c", np.eye(14), (0.04, 0.04)),
    )
]
BOXES = [Box(name=HOSTILE, x=0.2, y=0.3, width=0.4, height=0.1)]
PEOPLE = _random().integers(0, 50, (3, 3, 24))
TRIED = [
    Point(
        number=at,
        state=("complete", "complete", "pruned", "failed", "running")[at % 5],
        value=None if at % 5 > 2 else 0.6 + 0.2 * float(np.sin(at)),
        parameters={HOSTILE: 10.0 ** -(at % 4), "form": WORST[at % 3], "size": (16, 32, 64)[at % 3], "learned": at > 9},
        values={} if at % 5 == 3 else {epoch: 0.5 + 0.01 * epoch * (at % 7) for epoch in range(1, 4 + at % 3)},
        run=f"run-{at}",
    )
    for at in range(24)
]

FIGURES: dict[str, Make] = {
    "curves": lambda theme: loss_curves(
        [
            Curve(name=HOSTILE, x=np.arange(200), y=LOSSES),
            Curve(name="b", x=[1, 2], y=[np.inf, 1.0], colour_index=1),
        ],
        references=[Reference(label=f"chance {HOSTILE}", value=2.639)],
        y_title=f"Loss {HOSTILE}",
        theme=theme,
    ),
    "curves-log": lambda theme: loss_curves(
        [Curve(name="a", x=np.arange(1, 201), y=LOSSES)],
        references=[Reference(label="floor", value=0.05)],
        log_x=True,
        log_y=True,
        smoothing=0.6,
        theme=theme,
    ),
    "space-categories": lambda theme: space_3d(
        XYZ, BY_NAME, Drawing(rows=np.arange(60), anchors=ANCHORS, marked=Marked(chosen=3)), theme=theme
    ),
    "space-numbers": lambda theme: space_3d(XYZ, BY_NUMBER, theme=theme),
    "space-binary": lambda theme: space_3d(XYZ, BY_FINDING, theme=theme),
    "space-moments": lambda theme: space_3d(
        XYZ, BY_NAME, Drawing(anchors=ANCHORS, arrows=True, moments=MOMENTS), title=HOSTILE, theme=theme
    ),
    "space-flat": lambda theme: space_2d(
        XYZ[:, :2],
        BY_FINDING,
        Drawing(rows=np.arange(60), marked=Marked(chosen=3, found=[4, 5], selected=XYZ[:, 0] > 0), outline=CORNERS),
        theme=theme,
    ),
    "similarity": lambda theme: similarity_panels([cosines(missing=True)], [HOSTILE], WORST, theme=theme),
    "similarity-3": lambda theme: similarity_panels(
        [cosines(), cosines(30), cosines(missing=True)], ["a · demo", "b · demo", HOSTILE], WORST, theme=theme
    ),
    "similarity-tree": lambda theme: similarity_panels(
        [cosines(), cosines(30)],
        ["a · demo", HOSTILE],
        WORST,
        tree=Tree(lines=[([0, 0, 1, 1], [0, 0.4, 0.4, 0]), ([0.5, 2], [0.7, 0.7])], title=HOSTILE),
        theme=theme,
    ),
    "over-epochs": lambda theme: over_epochs(
        [
            Measure(
                title=f"Mean {HOSTILE}",
                epochs=[[0, 1, 5], [0, 2, 9]],
                values=[[0.8, 0.3, 0.1], [0.7, np.nan, 0.2]],
                references=[("orthogonal: 0", 0.0), (HOSTILE, -1 / 13)],
            ),
            Measure(title="Own", epochs=[[0, 1, 5], [0]], values=[[0.1, 0.5, 0.6], [0.2]]),
        ],
        [HOSTILE, "b"],
        marked=1.0,
        theme=theme,
    ),
    "difference": lambda theme: similarity_difference(
        cosines(30), cosines(missing=True), WORST, title=HOSTILE, theme=theme
    ),
    "pairs": lambda theme: off_diagonal_distribution(
        [cosines()[np.triu_indices(K, 1)], np.full(91, np.nan)],
        [HOSTILE, "none"],
        references=[(HOSTILE, 0.0), ("simplex", -1 / 13)],
        theme=theme,
    ),
    "paired-map": lambda theme: paired_map(XYZ[:, :2], XYZ[:, :2] + [0.8, 0], x_title=HOSTILE, theme=theme),
    "cones": lambda theme: cosine_cones(
        np.linspace(0.5, 0.9, 50), np.linspace(0.6, 0.8, 50), np.linspace(0, 0.2, 50), theme=theme
    ),
    "shift": lambda theme: shift_curve(
        SHIFT,
        [
            ShiftRow(
                title="Loss",
                lines=[
                    ShiftLine(name=HOSTILE, values=SHIFT**2 + 2.6, number=0),
                    ShiftLine(name="b", values=SHIFT**2 + 2.7, number=1, dotted=True),
                ],
                best=[(0.0, 2.65)],
                lowest=True,
            ),
            ShiftRow(title=HOSTILE, lines=[ShiftLine(name="c", values=0.6 - SHIFT**2 / 200, number=2)]),
        ],
        marker=0.8,
        theme=theme,
    ),
    "gap-findings": lambda theme: finding_gaps(WORST, [gaps(HOSTILE, 0.6), gaps("b", 0.8)], theme=theme),
    "gap-temperature": lambda theme: temperature_gaps(
        [
            TemperaturePoint(name=HOSTILE, temperature=0.07, gap=0.5, number=0),
            TemperaturePoint(name="b", temperature=0.07, gap=0.51),
            TemperaturePoint(name="c", temperature=0.01, gap=0.9),
        ],
        published=[(1, 0.2), (0.01, 1.0)],
        published_name=HOSTILE,
        theme=theme,
    ),
    "auroc": lambda theme: auroc_intervals(
        WORST,
        n_positive=[*range(10, 10 + K - 1), 0],
        series=[HOSTILE, "b"],
        references=[("chance", 0.5), (HOSTILE, 0.849)],
        theme=theme,
        **auroc(),
    ),
    "zero-shot": lambda theme: prompt_scores(
        WORST,
        [(HOSTILE, np.linspace(0.4, 0.9, K)), ("PNC", np.linspace(0.5, 0.8, K)), ("control", np.full(K, 0.45))],
        np.linspace(0.3, 0.9, 3 * K).reshape(3, K),
        [HOSTILE, "a", "b"],
        n_positive=[*range(10, 10 + K - 1), 0],
        theme=theme,
    ),
    "confusion": lambda theme: confusion_grid(matrices(WORST), theme=theme),
    "confusion-one": lambda theme: confusion_one(
        matrices(WORST)[0], np.full((2, 2), 0.2), np.full((2, 2), 0.9), theme=theme
    ),
    "confusion-difference": lambda theme: confusion_difference(
        [
            Compared(name=name, first=COUNTS[at], second=COUNTS[at][:, ::-1], beyond=[True, at < 3])
            for at, name in enumerate(WORST)
        ],
        "first",
        HOSTILE,
        theme=theme,
    ),
    "confusion-pairs": lambda theme: discordant_pairs(
        HOSTILE, [[900, 30, 20, 50], [0, 0, 0, 0]], "a", HOSTILE, theme=theme
    ),
    "rate-differences": lambda theme: rate_differences(
        WORST,
        [*([auroc()["values"][0] - 0.7] * 2)],
        [*([auroc()["values"][0] - 0.8] * 2)],
        [*([auroc()["values"][0] - 0.65] * 2)],
        beyond=[[at % 3 == 0 for at in range(K)]] * 2,
        support=[[*range(10, 10 + K - 1), 0]] * 2,
        words=f"a minus {HOSTILE}",
        theme=theme,
    ),
    "ablation": lambda theme: differences(
        [HOSTILE, "without graph", "not begun"],
        [0.02, -0.001, np.nan],
        [0.01, np.nan, np.nan],
        [0.03, np.nan, np.nan],
        beyond=[True, False, False],
        per_seed=[[0.01, 0.02, 0.03], [-0.001], []],
        measure=f"AUROC {HOSTILE}",
        baseline=HOSTILE,
        theme=theme,
    ),
    "enrichment": lambda theme: selection_prevalence(
        WORST,
        *(np.append(np.linspace(-0.2, 0.6, K - 1), np.nan) + by for by in (0, -0.05, 0.05)),
        beyond=[at % 3 == 0 for at in range(K)],
        words=["4 of 12 (33.3%)"] * K,
        theme=theme,
    ),
    "prevalence": lambda theme: prevalence(WORST, *STATES, groups=GROUPS, limits=LIMITS, splits=SPLITS, theme=theme),
    "prevalence-log": lambda theme: prevalence(
        WORST, *STATES, groups=GROUPS, limits=LIMITS, splits=SPLITS, log=True, theme=theme
    ),
    "together": lambda theme: co_occurrence(WORST, PAIRS, SUPPORT, relative=True, theme=theme),
    "together-counts": lambda theme: co_occurrence(WORST, PAIRS, SUPPORT, relative=False, theme=theme),
    "upset": lambda theme: upset(WORST, np.arange(K) * 7, SETS, [9, 5, 4, 3, 1], samples=30, theme=theme),
    "ages": lambda theme: ages(np.arange(0, 121, 5), PEOPLE, [3, 0, 1], splits=SPLITS, theme=theme),
    "shares": lambda theme: category_shares(
        [HOSTILE, "PA", "Unknown"], [[3, 1, 0], [9, 8, 7], [0, 0, 1]], title=HOSTILE, splits=SPLITS, theme=theme
    ),
    "per-patient": lambda theme: per_patient([900, 80, 7, 0, 3], theme=theme),
    "lengths": lambda theme: text_lengths(
        [1, 6, 11, 500], PEOPLE[0, :, :3], quantiles={"5": 2, "50": 7, "95": 30}, splits=SPLITS, theme=theme
    ),
    "words": lambda theme: words([HOSTILE, "nódulo", "mass"], [9, 5, 2], 20, theme=theme),
    "radiographs": lambda theme: radiograph_row(PICTURES, [HOSTILE, *VERSIONS], DONE, theme=theme),
    "comparison": lambda theme: score_differences(WORST[:3], AGAINST, first=HOSTILE, margin=1, theme=theme),
    "recall": lambda theme: recall_curves(RECALLS, chance=[(f"chance {HOSTILE}", KS, KS / 25)], theme=theme),
    "ranks": lambda theme: rank_shares(
        RANKS, chance=[(HOSTILE, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]), ("b", np.linspace(0.1, 1, 6))], theme=theme
    ),
    "radiographs-attention": lambda theme: saliency_maps(PICTURES[0], HOSTILE, LOOKED, BOXES, theme=theme),
    "pointing": lambda theme: pointing_rates(
        WORST,
        **pointed(),
        counts=range(K),
        area=np.full(K, 0.1),
        centre=np.zeros(K),
        series=[HOSTILE, "b"],
        theme=theme,
    ),
    "search-history": lambda theme: history(TRIED, maximised=True, y_title=HOSTILE, theme=theme),
    "search-slices": lambda theme: slices(
        TRIED, [HOSTILE, "form", "size", "learned"], logarithmic=[HOSTILE], y_title="Validation AUROC", theme=theme
    ),
    "search-importances": lambda theme: importance_bars(
        {HOSTILE: 0.6, "b": 0.3, "c": 0.1}, complete=12, needed=10, theme=theme
    ),
    "search-epochs": lambda theme: intermediate(TRIED, best=1, y_title=HOSTILE, theme=theme),
}

WITHOUT_DATA: dict[str, Make] = {
    "curves": lambda theme: loss_curves([], theme=theme),
    "curves-unknown": lambda theme: loss_curves([Curve(name="a", x=[1, 2], y=[np.nan, np.inf])], theme=theme),
    "space": lambda theme: space_3d(np.empty((0, 3)), Colouring(values=np.empty(0), kind="binary"), theme=theme),
    "similarity": lambda theme: similarity_panels([], [], [], theme=theme),
    "over-epochs": lambda theme: over_epochs([Measure(title="a", epochs=[[]], values=[[]])], ["a"], theme=theme),
    "difference": lambda theme: similarity_difference(np.empty((0, 0)), np.empty((0, 0)), [], theme=theme),
    "pairs": lambda theme: off_diagonal_distribution([[], [np.nan]], ["a", "b"], theme=theme),
    "paired-map": lambda theme: paired_map(np.empty((0, 2)), np.empty((0, 2)), theme=theme),
    "cones": lambda theme: cosine_cones([], [np.nan], [], theme=theme),
    "shift": lambda theme: shift_curve([], [], theme=theme),
    "gap-findings": lambda theme: finding_gaps([], [], theme=theme),
    "gap-temperature": lambda theme: temperature_gaps([], published=[(1, 0.2)], theme=theme),
    "auroc": lambda theme: auroc_intervals([], [], [], [], n_positive=[], series=[], theme=theme),
    "zero-shot": lambda theme: prompt_scores([], [], [], [], n_positive=[], theme=theme),
    "confusion": lambda theme: confusion_grid([], theme=theme),
    "confusion-difference": lambda theme: confusion_difference([], "a", "b", theme=theme),
    "rate-differences": lambda theme: rate_differences(
        [], [[], []], [[], []], [[], []], beyond=[[], []], support=[[], []], words="a minus b", theme=theme
    ),
    "ablation": lambda theme: differences(
        [], [], [], [], beyond=[], per_seed=[], measure="AUROC", baseline="linear", theme=theme
    ),
    "enrichment": lambda theme: selection_prevalence([], [], [], [], beyond=[], words=[], theme=theme),
    "prevalence": lambda theme: prevalence([], *np.zeros((4, 0, 3)), groups=[], limits=LIMITS, theme=theme),
    "together": lambda theme: co_occurrence([], np.zeros((0, 0)), np.zeros((0, 0)), relative=True, theme=theme),
    "together-unknown": lambda theme: co_occurrence(["a"], [[0]], [[0]], relative=False, theme=theme),
    "upset": lambda theme: upset([], [], [], [], theme=theme),
    "ages": lambda theme: ages(np.arange(0, 121, 5), np.zeros((3, 3, 24)), [5, 0, 0], theme=theme),
    "shares": lambda theme: category_shares([], np.zeros((0, 3)), title="View", theme=theme),
    "per-patient": lambda theme: per_patient([0, 0, 0], theme=theme),
    "lengths": lambda theme: text_lengths([1, 2], np.zeros((3, 1)), theme=theme),
    "words": lambda theme: words([], [], 0, theme=theme),
    "radiographs": lambda theme: radiograph_row([], [], [], theme=theme),
    "comparison": lambda theme: score_differences([], [], first="a", margin=1, theme=theme),
    "comparison-unsaid": lambda theme: score_differences(
        ["a"],
        [Differences(name="b", values=[np.nan], lows=[np.nan], highs=[np.nan], shown=[False])],
        first="c",
        margin=1,
        theme=theme,
    ),
    "recall": lambda theme: recall_curves([], chance=[("chance", [1], [1])], theme=theme),
    "ranks": lambda theme: rank_shares([], chance=[], theme=theme),
    "pointing": lambda theme: pointing_rates([], [], [], [], counts=[], area=[], centre=[], series=[], theme=theme),
    "words-none": lambda theme: words([], [], 3, theme=theme),
    "search-history": lambda theme: history([], maximised=True, y_title="AUROC", theme=theme),
    "search-slices": lambda theme: slices([TRIED[3]], ["form"], y_title="AUROC", theme=theme),
    "search-importances": lambda theme: importance_bars({}, complete=2, needed=10, theme=theme),
    "search-epochs": lambda theme: intermediate([], best=None, y_title="AUROC", theme=theme),
}

ONE = np.ones((1, 1))
SMALLEST: dict[str, Make] = {
    "curves": lambda theme: loss_curves([Curve(name="a", x=[1], y=[0.5])], smoothing=0.9, theme=theme),
    "space": lambda theme: space_3d(
        [[1, 2, 3]], Colouring(values=np.ones(1), kind="binary", title="Edema"), theme=theme
    ),
    "space-unknown": lambda theme: space_3d(
        [[1, 2, 3]], Colouring(values=np.array([np.nan]), kind="continuous", title="Age"), theme=theme
    ),
    "similarity": lambda theme: similarity_panels([ONE], ["a"], ["Edema"], theme=theme),
    "over-epochs": lambda theme: over_epochs([Measure(title="a", epochs=[[3]], values=[[0.1]])], ["a"], theme=theme),
    "difference": lambda theme: similarity_difference(ONE, ONE, ["Edema"], theme=theme),
    "pairs": lambda theme: off_diagonal_distribution([[0.5]], ["a"], theme=theme),
    "paired-map": lambda theme: paired_map([[0, 0]], [[1, 1]], theme=theme),
    "cones": lambda theme: cosine_cones([0.5], [], [], theme=theme),
    "shift": lambda theme: shift_curve(
        [0.0], [ShiftRow(title="Loss", lines=[ShiftLine(name="a", values=[1.0], number=0)])], theme=theme
    ),
    "gap-findings": lambda theme: finding_gaps(
        ["Edema"],
        [FindingGaps(name="a", gaps=[np.nan], expected=[np.nan], support=[3], overall=0.5)],
        theme=theme,
    ),
    "gap-temperature": lambda theme: temperature_gaps(
        [TemperaturePoint(name="a", temperature=0.07, gap=0.5, number=0)], theme=theme
    ),
    "auroc": lambda theme: auroc_intervals(
        ["Edema"], [[np.nan]], [[np.nan]], [[np.nan]], n_positive=[0], series=["a"], theme=theme
    ),
    "confusion": lambda theme: confusion_grid(matrices(["Edema"], [np.array([[0, 0], [0, 3]])]), theme=theme),
    "confusion-one": lambda theme: confusion_one(
        matrices(["Edema"], [np.array([[0, 0], [0, 3]])])[0], *np.full((2, 2, 2), np.nan), theme=theme
    ),
    "confusion-difference": lambda theme: confusion_difference(
        [Compared(name="Edema", first=[[0, 0], [0, 3]], second=[[0, 0], [1, 2]], beyond=[False, False])],
        "a",
        "b",
        theme=theme,
    ),
    "confusion-pairs": lambda theme: discordant_pairs("Edema", [[0, 0, 0, 0], [0, 1, 0, 0]], "a", "b", theme=theme),
    "rate-differences": lambda theme: rate_differences(
        ["Edema"],
        [[np.nan], [0.1]],
        [[np.nan], [-0.1]],
        [[np.nan], [0.2]],
        beyond=[[False], [False]],
        support=[[0], [3]],
        words="a minus b",
        theme=theme,
    ),
    "ablation": lambda theme: differences(
        ["a"], [np.nan], [np.nan], [np.nan], beyond=[False], per_seed=[[]], measure="Gap", baseline="b", theme=theme
    ),
    "enrichment": lambda theme: selection_prevalence(
        ["Edema"], [np.nan], [np.nan], [np.nan], beyond=[False], words=["not known"], theme=theme
    ),
    "prevalence": lambda theme: prevalence(
        ["Edema"], [[1]], [[0]], [[0]], [[0]], groups=["head"], limits=LIMITS, splits=["test"], theme=theme
    ),
    "prevalence-unknown": lambda theme: prevalence(
        ["Edema"],
        [[0]],
        [[0]],
        [[0]],
        [[7]],
        groups=["none known"],
        limits=LIMITS,
        splits=["test"],
        log=True,
        theme=theme,
    ),
    "together": lambda theme: co_occurrence(["Edema"], [[1]], [[1]], relative=True, theme=theme),
    "upset": lambda theme: upset(["Edema"], [0], [[]], [1], samples=1, theme=theme),
    "ages": lambda theme: ages([0, 5], [[[1]]], [0], sexes=["Male"], splits=["test"], theme=theme),
    "shares": lambda theme: category_shares(["PA"], [[1]], title="View", splits=["test"], theme=theme),
    "per-patient": lambda theme: per_patient([1], theme=theme),
    "lengths": lambda theme: text_lengths([1, 2], [[1]], splits=["test"], theme=theme),
    "words": lambda theme: words(["mass"], [1], 1, theme=theme),
    "radiographs": lambda theme: radiograph_row([[[7]]], ["original"], [[]], theme=theme),
    "comparison": lambda theme: score_differences(
        ["a"], [Differences(name="b", values=[0], lows=[0], highs=[0], shown=[False])], first="c", margin=1, theme=theme
    ),
    "recall": lambda theme: recall_curves(
        [Recall(name="a", ks=[1], values=[1.0], lows=[np.nan], highs=[np.nan])], chance=[], theme=theme
    ),
    "ranks": lambda theme: rank_shares([Ranks(name="a", ranks=[1.0], median=1)], chance=[("b", [1.0])], theme=theme),
    "radiographs-attention": lambda theme: saliency_maps([[7, 8], [8, 7]], "a", LOOKED[1:2], theme=theme),
    "pointing": lambda theme: pointing_rates(
        ["Mass"], [[0.5]], [[0.1]], [[0.9]], counts=[1], area=[0.1], centre=[1], series=["a"], theme=theme
    ),
    "search-history": lambda theme: history(TRIED[:1], maximised=False, y_title="loss", theme=theme),
    "search-slices": lambda theme: slices(TRIED[:1], ["form"], y_title="loss", theme=theme),
    "search-importances": lambda theme: importance_bars({"a": 1.0}, complete=10, needed=10, theme=theme),
    "search-epochs": lambda theme: intermediate(TRIED[:1], best=0, y_title="loss", theme=theme),
}

FIGURES |= examples_scores.figures(HOSTILE, WORST)
WITHOUT_DATA |= examples_scores.without_data()
SMALLEST |= examples_scores.smallest()
