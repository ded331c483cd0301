"""One recipe of every figure, of a workspace with one of everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.attention.boxed import boxed_pairs
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
from core.studies.study import Study
from tests.finished import Finished

TRIANGLE = ((-1e3, -1e3), (1e3, -1e3), (0.0, 0.0))
"""An outline on the flat map that encloses some of it."""


def ids(finished: Finished, *presets: str) -> tuple[str, ...]:
    return tuple(finished.runs[preset] for preset in presets)


def attended(finished: Finished) -> Recipe:
    """Where a run looks, in the first radiograph with a box."""
    sample, finding, _ = boxed_pairs(Study.load("tiny"))[0][0]
    return attention.Attention(runs=ids(finished, "linear"), sample=sample, finding=finding)


EXAMPLES: Sequence[Callable[[Finished], Recipe]] = (
    lambda at: curves.Curves(runs=ids(at, "orthogonal", "linear"), log_y=True),
    attended,
    lambda at: attention.Pointing(runs=ids(at, "linear")),
    lambda at: compare.Comparison(runs=ids(at, "linear", "orthogonal", "contrastive")),
    lambda at: confusion.Confusion(runs=ids(at, "orthogonal"), rule="youden"),
    lambda at: confusion.ConfusionDifference(runs=ids(at, "orthogonal", "linear"), rule="fixed"),
    lambda at: confusion.ConfusionOne(runs=ids(at, "orthogonal"), disease="Mass"),
    lambda at: confusion.ConfusionPairs(runs=ids(at, "orthogonal", "linear"), disease="Mass"),
    lambda at: confusion.RateDifferences(runs=ids(at, "orthogonal", "linear")),
    lambda at: retrieval.Recall(runs=ids(at, "contrastive", "linear")),
    lambda at: retrieval.Ranks(runs=ids(at, "contrastive"), way="text_to_image"),
    lambda at: scores.AurocDifference(runs=ids(at, "orthogonal", "linear")),
    lambda at: scores.Calibration(runs=ids(at, "orthogonal", "linear"), disease="Mass"),
    lambda at: scores.Groups(runs=ids(at, "orthogonal", "linear")),
    lambda at: scores.MistakenFor(runs=ids(at, "orthogonal")),
    lambda at: scores.PrecisionRecall(runs=ids(at, "orthogonal"), disease="Mass"),
    lambda at: scores.Roc(runs=ids(at, "orthogonal", "linear"), disease="Mass"),
    lambda at: scores.Subgroups(runs=ids(at, "orthogonal"), by="view"),
    lambda at: diseases.Auroc(runs=ids(at, "orthogonal", "linear"), published=True),
    lambda at: diseases.ZeroShot(runs=ids(at, "contrastive")),
    lambda at: gap.Cones(runs=ids(at, "contrastive")),
    lambda at: gap.GapFindings(runs=ids(at, "contrastive", "linear")),
    lambda at: gap.GapMap(runs=ids(at, "contrastive"), shift=0.5),
    lambda at: gap.GapTemperature(runs=ids(at, "contrastive")),
    lambda at: gap.Shift(runs=ids(at, "contrastive"), shift=0.5, k=1),
    lambda at: similarity.Difference(runs=ids(at, "linear", "orthogonal"), order="clustering"),
    lambda at: similarity.OrthogonalLoss(set="trained"),
    lambda at: similarity.Pairs(runs=ids(at, "linear"), sets=("brought",)),
    lambda at: similarity.Similarity(runs=ids(at, "linear"), sets=("brought", "trained"), order="hierarchy"),
    lambda at: similarity.SimilarityEpochs(runs=ids(at, "orthogonal"), epoch=1.0),
    lambda at: similarity.SimilarityMoment(runs=ids(at, "orthogonal"), epoch=1.0, cosines="cross"),
    lambda at: space.Selection(runs=ids(at, "linear"), lasso=TRIANGLE),
    lambda at: space.Space(runs=ids(at, "linear"), colour="split", labelled=("centroid",), arrows=True),
    lambda at: studies.Ages(study="tiny"),
    lambda at: studies.Combinations(study="tiny"),
    lambda at: studies.PerPatient(study="tiny"),
    lambda at: studies.Prevalence(study="tiny", log=True),
    lambda at: studies.Sexes(study="tiny"),
    lambda at: studies.TextLengths(study="worded"),
    lambda at: studies.Together(study="tiny", relative=False),
    lambda at: studies.Views(study="tiny"),
    lambda at: studies.Words(study="worded"),
    lambda at: work.AblationForest(ablation="ablated", baseline="linear"),
    lambda at: work.SearchPicture(search="searched", part="slices"),
)
