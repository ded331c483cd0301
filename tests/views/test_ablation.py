"""The ablation view: empty, at work, done, failed, stale, from a link, and started from the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import jobs
from core.ablation.folder import Ablation, list_ablations
from core.ablation.grids import ablation
from core.errors import RunError
from core.files import write_json
from core.runs import Run
from tests.ablation.planned import of_finished
from tests.components import figures, plots
from tests.finished import Finished
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts


@pytest.fixture
def seen(finished: Finished) -> Iterator[Ablation]:
    """An ablation of three finished runs; the finished workspace is left as it was."""
    made = of_finished(finished, "linear", "orthogonal", "contrastive")
    yield made
    shutil.rmtree(finished.home / "ablations")


def button(at: object, label: str) -> object:
    return next(one for one in at.button if one.label.startswith(label))  # type: ignore[attr-defined]


def test_a_finished_ablation(seen: Ablation) -> None:
    at = opened("ablation")
    assert not at.exception and not at.error
    table = at.dataframe[0].value
    assert table["Configuration"].tolist() == ["linear", "orthogonal", "contrastive"]
    assert table["Seeds"].tolist() == ["1 of 1"] * 3 and table["Difference"].notna().tolist() == [False, True, True]
    assert "head · kind" in table and "training · batch size" not in table
    assert len(figures(at)) == 1 and "difference to linear" in plots(at)[0]["alt"]
    assert "paired bootstrap, 2,000 resamplings of the same 6 test patients" in texts(at).replace("\\", "")
    assert "published, not measured here" in texts(at)
    assert [one.label for one in at.get("download_button")][-2:] == ["Table as CSV", "Table as LaTeX"]


def test_a_link_brings_baseline_and_measure_back(seen: Ablation) -> None:
    at = opened("ablation", ablation="seen", baseline="orthogonal", metric="prompt_cosine")
    assert "Prompt |cos| of each configuration" in plots(at)[0]["alt"]
    assert at.dataframe[0].value["95 % of it"].tolist()[1] == "baseline"
    assert "paired t test" in texts(at)
    stale = opened("ablation", ablation="gone", baseline="gone", metric="gone")
    assert not stale.exception and len(figures(stale)) == 1


def test_an_empty_workspace_says_what_to_do(workspace: Path) -> None:
    at = opened("ablation")
    assert not at.exception and not figures(at)
    assert "python -m scripts.ablate --preset demo" in at.info[0].value
    assert "Start 9 runs" in [one.label for one in at.button]


def test_it_is_started_from_the_page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(4, 2, 2))
    started: list[str] = []
    monkeypatch.setattr(Ablation, "start", lambda self: started.append(self.id))
    at = opened("ablation")
    at.selectbox(key="ablation-grid").set_value("alignment-losses").run()
    at.selectbox(key="ablation-study").set_value("tiny").run()
    at.multiselect(key="ablation-encoders-alignment-losses").set_value(["lite"]).run()
    at.number_input(key="ablation-seeds").set_value(2).run()
    button(at, "Start 18 runs").click().run()  # type: ignore[attr-defined]
    assert not at.exception and not at.error
    assert started == ["alignment-losses-tiny-encoder"] == [one.id for one in list_ablations()]
    assert "0 of 18 runs have a result" in texts(at) and "not started" in texts(at)
    assert not figures(at) and not at.dataframe[0].value.empty  # the published lines alone


def test_at_work_and_stopped_from_the_page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(4, 2, 2))
    made = Ablation.create(ablation("demo", study="tiny", seeds=(0,)))
    Run.create(made.cells[0].config, made.cells[0].run.id)
    now = {"stage": "ablate", "unit": "runs", "done": 0, "total": 3, "seconds": 1.0, "rate": 0.0}
    write_json(made.folder / "progress.json", {"now": now, "finished": []})
    monkeypatch.setattr(jobs, "state", lambda folder: jobs.JobState("running" if folder == made.folder else "new"))
    asked: list[Path] = []
    monkeypatch.setattr(jobs, "stop", lambda folder: bool(asked.append(folder)) or True)
    at = opened("ablation")
    assert "linear, seed 0" in texts(at).replace("\\", "") and "running" in texts(at)
    button(at, "Stop").click().run()  # type: ignore[attr-defined]
    assert not at.exception and asked == [made.folder]
    home = opened("home")
    assert not home.exception and "demo-tiny" in texts(home).replace("\\", "")


def test_a_failure_says_why_and_can_be_gone_on_with(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(4, 2, 2))
    made = Ablation.create(ablation("demo", study="tiny", seeds=(0,)))
    made.fail(RunError("1 of 3 runs have no result; going on tries them again.\nlinear, seed 0: failed: <b>no</b>"))
    write_json(made.folder / "exit.json", {"code": 1})
    started: list[str] = []
    monkeypatch.setattr(Ablation, "start", lambda self: started.append(self.id))
    at = opened("ablation")
    assert "tries them again" in at.error[0].value and "<b>" not in at.error[0].value
    button(at, "Go on").click().run()  # type: ignore[attr-defined]
    assert started == ["demo-tiny"] and not at.exception


def test_runs_of_another_version_of_the_study_do_not_count(seen: Ablation) -> None:
    path = seen.cells[1].run.folder / "study.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"fingerprint": "0" * 16}))
    try:
        at = opened("ablation")
        assert not at.exception
        assert "another version of the study" in at.warning[0].value
        assert at.dataframe[0].value["Seeds"].tolist() == ["1 of 1", "0 of 1", "1 of 1"]
        assert at.dataframe[0].value["Macro AUROC"].isna().tolist() == [False, True, False]
    finally:
        path.write_text(before)
