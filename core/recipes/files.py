"""A source that reads files anew at every call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.imported import ImportedSet
from core.metrics.sampling import stratified
from core.pictures import source
from core.pictures.chart import Chart, chart
from core.runs import Run
from core.searches import Search, Trial
from core.store import Projection
from core.studies.study import Study


class Files(source.Files):
    """What the app's caches hold, read anew at every call."""

    def study(self, name: str, findings: tuple[str, ...] = ()) -> Study:
        return Study.load(name).asked_for(findings)

    def chart(self, run: Run, of: Study, stem: str = "umap") -> Chart:
        return chart(Projection.load(run.folder / "projections" / stem), of)

    def first_rows(self, of: Study, most: int) -> NDArray[np.int64]:
        return stratified(of.labels, most)

    def imported(self, name: str) -> ImportedSet:
        return ImportedSet.load(name)

    def trials(self, search: Search) -> list[Trial]:
        return search.trials()
