"""Recipes of the Similarity view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.config.base import config, setting
from core.errors import ExportError
from core.figures.theme import LIGHT, Theme
from core.imported import CURVE, folder_of
from core.logbook import read_metrics
from core.pictures import similarity as pictures
from core.pictures import similarity_epochs as through
from core.pictures.ordering import ORDERS, Frame, arranged
from core.pictures.similarity import KINDS, Panel
from core.recipes.base import OfRuns, Recipe, Where, judged_in_words


@config
class _OfCosines(OfRuns):
    """Of runs, of imported sets, or of both."""

    runs: tuple[str, ...] = setting(default=(), help="ids of runs")
    sets: tuple[str, ...] = setting(default=(), help="names of imported sets of embeddings")
    cosines: str = setting(default="prompts", help="between which vectors of the runs")
    order: str = setting(default="given", help="of the labels: given, name, hierarchy or clustering")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("cosines", KINDS)
        self.check_one_of("order", ORDERS)
        if not self.runs and not self.sets:
            raise ExportError(f"Figure {self.figure} is of runs, or of imported sets of embeddings; none was given.")

    def frames(self, where: Where) -> list[Frame]:
        """Panels of the same labels on one frame."""
        found = pictures.of_runs(where, self.opened, self.study(where), self.cosines) if self.runs else []
        sets = [pictures.of_set(where.imported(name)) for name in self.sets]
        return arranged(pictures.in_one_order([*found, *sets]), self.order)

    def panels(self, where: Where) -> list[Panel]:
        return [panel for frame in self.frames(where) for panel in frame.panels]

    def between(self) -> str:
        return KINDS[self.cosines].lower()

    def of(self, where: Where) -> str:
        count = f"n = {len(self.panels(where)[0].names)} labels"
        if self.runs and self.cosines in ("centroids", "cross"):
            return f"{count}, centroids: {judged_in_words(self.study(where))}"
        return count

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.cosines, *(run.title for run in self.opened), *self.sets)

    @property
    def whose(self) -> str:
        return " and ".join([*(run.title for run in self.opened), *self.sets])


@config
class Similarity(_OfCosines):
    """Heatmaps of cosines, on one scale and in one order."""

    figure: ClassVar[str] = "similarity"
    title: ClassVar[str] = "Similarity heatmaps"

    part: int = setting(default=0, low=0, help="which frame, where labels differ: each has its own")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        frames = self.frames(where)
        frame = frames[min(self.part, len(frames) - 1)]
        return pictures.panels(frame.panels, frame.tree, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Heatmaps of cosines between {self.between()} for {self.whose}, on one scale"


@config
class Difference(_OfCosines):
    """The second heatmap minus the first."""

    figure: ClassVar[str] = "difference"
    title: ClassVar[str] = "Difference of two similarity heatmaps"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        panels = self.panels(where)
        if len(panels) != 2:
            raise ExportError(f"A difference is of two runs or sets; {len(panels)} were given.")
        if reason := pictures.differing(panels[:2]):
            raise ExportError(reason)
        return pictures.difference(panels, theme=theme)

    def alt(self, where: Where) -> str:
        first, second = (panel.title for panel in self.panels(where)[:2])
        return f"Difference of the cosines of {second} and {first}"


@config
class Pairs(_OfCosines):
    """Every pair of labels once, beside what is reachable."""

    figure: ClassVar[str] = "pairs"
    title: ClassVar[str] = "All pairs of labels"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        own = [panel for panel in self.panels(where) if not panel.cross and len(panel.names) > 1]
        return pictures.pairs(own, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Distribution of off-diagonal cosines of {self.whose}, with lines at what is reachable"


@config
class SimilarityEpochs(OfRuns):
    """What heatmaps say in numbers, through training."""

    figure: ClassVar[str] = "similarity-epochs"
    title: ClassVar[str] = "Similarity through training"

    cosines: str = setting(default="prompts", help="between which vectors of the runs")
    epoch: float | None = setting(default=None, help="where a mark stands")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("cosines", through.KINDS)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return through.curves(where, self.opened, study, self.cosines, marked=self.epoch, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Cosines between {KINDS[self.cosines].lower()} against the epoch for {self.titles}"

    def of(self, where: Where) -> str:
        moments = max(len(where.snapshots(run)) for run in self.opened)
        return f"n = {len(self.study(where).findings)} diseases at {moments} moments of training"


@config
class SimilarityMoment(OfRuns):
    """Heatmaps of cosines at one moment of training."""

    figure: ClassVar[str] = "similarity-moment"
    title: ClassVar[str] = "Similarity heatmaps at an epoch"

    epoch: float = setting(help="each model at its last kept moment up to this epoch")
    cosines: str = setting(default="prompts", help="between which vectors of the runs")
    order: str = setting(default="given", help="of the labels: that of the same heatmaps after training")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("cosines", through.KINDS)
        self.check_one_of("order", ORDERS)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        now = pictures.in_one_order(pictures.of_runs(where, self.opened, study, self.cosines))
        names = arranged(now, self.order)[0].panels[0].names
        panels = through.panels_at(where, self.opened, study, self.cosines, self.epoch, names)
        return pictures.panels(panels, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Heatmaps of cosines between {KINDS[self.cosines].lower()} at epoch {self.epoch:g} for {self.titles}"

    def of(self, where: Where) -> str:
        return f"n = {len(self.study(where).findings)} diseases"


@config
class OrthogonalLoss(Recipe):
    """The loss that made an imported set by the orthogonal module."""

    figure: ClassVar[str] = "orthogonal-loss"
    title: ClassVar[str] = "Training of the orthogonal module"

    set: str = setting(help="name of the set")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        origin = where.imported(self.set).manifest["origin"]
        if origin["kind"] == "file":
            raise ExportError(f"Set {self.set} was imported, not trained: it has no loss.")
        return pictures.training(read_metrics(folder_of(self.set) / CURVE), origin, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Orthogonal loss of {self.set} by step, with its chance level and its floor"

    def of(self, where: Where) -> str:
        return f"n = {len(where.imported(self.set).labels)} vectors of set {self.set}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.set)
