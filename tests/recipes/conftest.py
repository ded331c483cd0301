"""A finished workspace with one of everything that a figure can be of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from core.attention.boxed import Boxed
from core.config.presets import preset
from core.config.search import SearchConfig
from core.config.space import default_space
from core.config.vectors import OrthogonaliseConfig
from core.imported import import_embeddings
from core.runs import Run
from core.searches import Search
from core.studies.vocabulary import NIH_FINDINGS
from tests.ablation.planned import of_finished
from tests.finished import Finished
from tests.odd import one_process
from tests.tiny import tiny_study
from tests.views.test_search import tried


class Never:
    asked = False


@pytest.fixture(scope="session")
def stocked_workspace(finished_workspace: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A copy of the finished workspace, with texts, an ablation, a search, imported sets, and where a run looks."""
    from core.vectors.orthogonalising import orthogonalise

    home = tmp_path_factory.mktemp("stocked") / "workspace"
    shutil.copytree(finished_workspace.home, home)
    made = Finished(home=home, runs=finished_workspace.runs, printed={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLUOROSCOPE_HOME", str(home))
        patch.setenv("FLUOROSCOPE_WORKERS", "1")
        tiny_study("worded", text=True)
        of_finished(made, "linear", "orthogonal", "contrastive", name="ablated")
        base = preset("linear", study="tiny", encoder="lite")
        search = SearchConfig(name="searched", base=base, space=default_space(base), trials=4)
        tried(Search.create(search))
        vectors = home / "vectors.npy"
        np.save(vectors, np.random.default_rng(0).normal(size=(14, 32)))
        import_embeddings(vectors, "brought", labels=list(NIH_FINDINGS))
        config = OrthogonaliseConfig(source="brought", name="trained", steps=4, form="gram", width=16)
        orthogonalise(config, home / "embeddings/trained", Never())  # type: ignore[arg-type]
        boxed = Boxed.of(Run.load(made.runs["linear"]))
        boxed.folder.mkdir()
        with one_process():
            boxed.carry_out()
    return made


@pytest.fixture
def stocked(stocked_workspace: Finished, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The same, as the workspace of this test, which leaves no report there."""
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(stocked_workspace.home))
    yield stocked_workspace
    shutil.rmtree(stocked_workspace.home / "reports", ignore_errors=True)
