"""Where a launch goes: offered where Slurm's commands are, refused in words, and what a card says of a job there."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config.presets import preset
from core.config.slurm import SlurmConfig
from core.errors import ClusterError
from core.files import write_json
from core.runs import Run, list_runs
from core.slurm import listing
from core.slurm.commands import Partition
from core.slurm.listing import Answer, Listed
from core.slurm.placing import LAST, Placement, placement
from dashboard import clusters
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts


@pytest.fixture
def with_slurm(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Answer[list[Partition]]:
    """Slurm's commands are here; what it says of partitions."""
    tiny_study(counts=(4, 2, 2))
    answer = Answer([Partition("main", True, "infinite", ""), Partition("gpu", False, "2-00:00:00", "gpu:a100:4")])
    monkeypatch.setattr(clusters, "available", lambda: True)
    monkeypatch.setattr(clusters, "of_partitions", lambda: answer)
    return answer


def launch(at: AppTest) -> object:
    return next(one for one in at.button if one.label == "Launch")


def named(at: AppTest, label: str) -> object:
    return next(one for one in [*at.text_input, *at.number_input, *at.checkbox, *at.text_area] if one.label == label)


def test_without_slurm_nothing_is_offered(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "available", lambda: False)
    at = opened("train", **{"train-where": "slurm"})
    assert not at.exception and not [one for one in at.text_input if one.label == "Partition"]
    assert not launch(at).disabled  # type: ignore[attr-defined]


def test_every_setting_of_a_run_is_in_the_form(with_slurm: Answer[list[Partition]]) -> None:
    at = opened("train", **{"train-where": "slurm"})
    assert not at.exception and not at.error
    labels = {one.label for one in [*at.text_input, *at.number_input, *at.checkbox, *at.text_area]}
    for name in SlurmConfig.help():
        assert (clusters.TITLES.get(name, name.capitalize()) in labels) == (name != "at_once"), name
    assert "Partitions: main \\(default, up to infinite\\), gpu" in texts(at)


def test_what_is_not_allowed_is_told_and_cannot_be_launched(with_slurm: Answer[list[Partition]]) -> None:
    at = opened("train", **{"train-where": "slurm"})
    named(at, "Partition").set_value("a; rm -rf ~").run()  # type: ignore[attr-defined]
    assert "SlurmConfig\\.partition is" in at.error[0].value
    assert launch(at).disabled  # type: ignore[attr-defined]
    named(at, "Partition").set_value("gpu").run()  # type: ignore[attr-defined]
    assert not at.error and not launch(at).disabled  # type: ignore[attr-defined]


def test_a_cluster_that_does_not_answer_is_told(with_slurm: Answer[list[Partition]]) -> None:
    with_slurm.trouble, with_slurm.value = "Slurm did not answer sinfo within 10 s.", None
    at = opened("train", **{"train-where": "slurm"})
    assert "did not answer sinfo" in at.warning[0].value and not at.exception


@pytest.mark.parametrize("refused", [False, True])
def test_a_launch_places_the_run(
    with_slurm: Answer[list[Partition]], monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    started: list[str] = []

    def start(self: Run, stage: str | None = None) -> None:
        if refused:
            raise ClusterError("Slurm does not take this.")
        started.append(self.id)

    monkeypatch.setattr(Run, "start", start)
    at = opened("train", **{"train-where": "slurm", "train-study": "tiny"})
    named(at, "GPUs").set_value(1).run()  # type: ignore[attr-defined]
    named(at, "Partition").set_value("gpu").run()  # type: ignore[attr-defined]
    launch(at).click().run()  # type: ignore[attr-defined]
    assert not at.exception
    if refused:
        assert "Slurm does not take this" in at.error[0].value and list_runs() == []
        return
    assert [run.id for run in list_runs()] == started
    own = placement(list_runs()[0].folder)
    assert own and own.config == SlurmConfig(partition="gpu", gpus=1)


def test_a_card_names_job_and_node(with_slurm: Answer[list[Partition]], monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(preset("linear", study="tiny", encoder="lite"))
    Placement(SlurmConfig(), "4711", 0).write(run.folder)
    said = Listed("PENDING", "Priority")
    monkeypatch.setattr(listing, "call", lambda *words, env: f"4711|{said.state}|{said.reason}|{said.node}\n")
    monkeypatch.setattr(listing, "_of_users", {})
    at = opened("train")
    assert "badge[waiting]" in texts(at) and "Slurm job 4711" in texts(at)
    said = Listed("RUNNING", "None", "node7")
    (run.folder / LAST).unlink(missing_ok=True)
    monkeypatch.setattr(listing, "_of_users", {})
    at = opened("train")
    assert "badge[running]" in texts(at)
    assert "Slurm job 4711 on node7 · running: starting" in texts(at).replace("\\", "")
    write_json(run.folder / LAST, {"id": "4711", "state": "PREEMPTED", "reason": "", "node": "node7"})
    write_json(run.folder / "exit.json", {"code": 85})
    at = opened("train")
    assert "badge[stopped]" in texts(at)
    assert "Slurm job 4711 · preempted: a job of higher priority took its place" in texts(at).replace("\\", "")
    (run.folder / "exit.json").unlink()
    write_json(run.folder / LAST, {"id": "4711", "state": "OUT_OF_MEMORY", "reason": "", "node": "node7"})
    (run.folder / "slurm-4711.out").write_text("slurmstepd: error: Detected 1 oom_kill event")
    at = opened("train")
    assert "out of memory: Slurm killed it" in texts(at).replace("\\", "")
    assert any("oom_kill" in code.value for code in at.code)
