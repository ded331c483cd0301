"""Mirrors of a run's metrics: what they hold, read back from their own files, and that none of them stops training."""

from __future__ import annotations

import importlib.util
import logging
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core import mirrors
from core.config.presets import preset
from core.config.run import RunConfig
from core.demands import new_run
from core.errors import ConfigError
from core.logbook import StepMetrics
from core.mirrors import Mirrors, check_mirrors
from tests.tiny import tiny_study

WRITER = next((name for name in mirrors.PACKAGES["tensorboard"] if importlib.util.find_spec(name)), None)
HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None


def config(*wanted: str) -> RunConfig:
    return preset("linear", study="tiny", encoder="lite").replace(mirrors=wanted, label="mirrored")


def step(number: int, **more: Any) -> StepMetrics:
    fixed = {"elapsed": 0.1, "learning_rate": 1e-3, "temperature": 0.07, "gradient_norm": 1.0, "images_per_second": 9.0}
    given = {"epoch": number / 4, "loss": 1 / number, "terms": {"orthogonal": 2.0 * number}, "validation": {}}
    return StepMetrics(step=number, **{**fixed, **given, **more})


class Told:
    """A tracker that keeps what it is told, after so many seconds, or fails."""

    def __init__(self, *, fails_at: int = 0, seconds: float = 0.0) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.fails_at, self.seconds, self.finished = fails_at, seconds, False

    def log(self, values: dict[str, float], step: int) -> None:
        time.sleep(self.seconds)
        if step == self.fails_at:
            raise OSError("the disk of the mirror is full\nand more")
        self.rows.append((step, values))

    def finish(self) -> None:
        self.finished = True


def mirrored(monkeypatch: pytest.MonkeyPatch, folder: Path, tracker: Any, **more: Any) -> Mirrors:
    monkeypatch.setattr(mirrors, "check_mirrors", lambda wanted: None)
    start = tracker if callable(tracker) else lambda *_: tracker
    monkeypatch.setattr(mirrors, "_tensorboard", start)
    return Mirrors(folder, config("tensorboard"), resumed=0, **more)


def test_groups_are_named_and_numbers_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Told()
    own = mirrored(monkeypatch, tmp_path, tracker, every=0.0)
    own.tell(step(3, validation={"auroc": 0.5}, use={"host_bytes": 7.0}))
    own.close()
    (number, values), *others = tracker.rows
    assert number == 3 and not others and tracker.finished
    assert values["terms/orthogonal"] == 6 and values["validation/auroc"] == 0.5 and values["use/host_bytes"] == 7
    assert "step" not in values and all(isinstance(value, float) for value in values.values())


def test_one_row_a_second_each_with_validation_and_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, tracker = [10.0], Told()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    own = mirrored(monkeypatch, tmp_path, tracker)
    for number in range(1, 9):
        own.tell(step(number, validation={"loss": 1.0} if number == 3 else {}), last=number == 8)
        now[0] += 0.4
    own.close()
    assert [number for number, _ in tracker.rows] == [1, 3, 6, 8]


def test_one_that_fails_is_given_up_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = Told(fails_at=2)
    own = mirrored(monkeypatch, tmp_path, tracker, every=0.0)
    for number in range(1, 30):
        own.tell(step(number))
    own.close()
    own.tell(step(99))
    own.close()
    assert [number for number, _ in tracker.rows] == [1]
    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 1 and "tensorboard mirror is given up (OSError: the disk of the mirror is full)" in said[0]


def test_one_that_cannot_begin_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = mirrored(monkeypatch, tmp_path, lambda *_: 1 / 0, every=0.0)
    own.tell(step(1))
    own.close()
    assert "ZeroDivisionError" in caplog.text


def test_training_waits_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that never answers is given up when its rows are too many, or at the end."""
    monkeypatch.setattr(mirrors, "WAITING", 5)
    monkeypatch.setattr(mirrors, "PATIENCE", 0.2)
    stuck = threading.Event()
    own = mirrored(monkeypatch, tmp_path, lambda *_: stuck.wait(60), every=0.0)
    for number in range(1, 9):
        own.tell(step(number))
    own.close()
    assert "does not keep up" in caplog.text
    caplog.clear()
    monkeypatch.setattr(mirrors, "HURRY", 0.1)
    other = mirrored(monkeypatch, tmp_path, lambda *_: stuck.wait(60), every=0.0)
    other.close(hurry=True)
    assert "did not end within 0.1 s" in caplog.text
    stuck.set()


def test_without_mirrors_nothing_is_started(tmp_path: Path) -> None:
    before = threading.active_count()
    own = Mirrors(tmp_path, config(), resumed=0)
    own.tell(step(1))
    own.close()
    assert threading.active_count() == before and not list(tmp_path.iterdir())


def test_what_is_missing_is_said_before_anything_is_made(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(6, 3, 3))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"asks for 'mlflow', but mlflow is not installed.*leave it out"):
        new_run(config("mlflow"))
    assert not list(workspace.glob("runs/*"))
    with pytest.raises(ConfigError, match="tensorboardX is not installed"):
        check_mirrors(("tensorboard",))
    check_mirrors(())


def test_another_name_is_no_mirror() -> None:
    with pytest.raises(ConfigError, match="mirrors"):
        config("elsewhere")
    assert RunConfig.from_json(config("tensorboard", "mlflow").to_json()).mirrors == ("tensorboard", "mlflow")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Addresses that anybody tries to reach."""
    found: list[Any] = []
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: found.append(address))
    return found


def written(folder: Path, wanted: str, numbers: range, resumed: int = 0) -> None:
    own = Mirrors(folder, config(wanted), resumed=resumed, every=0.0)
    for number in numbers:
        own.tell(step(number))
    own.close()


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Values of event files by tag and step, as TensorBoard reads them: a restart voids what came after its step."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*"), key=lambda path: path.stat().st_mtime_ns):
        data = path.read_bytes()
        while data:  # length (8), its checksum (4), the event, its checksum (4)
            size = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + size])
            data = data[16 + size :]
            if event.session_log.status == SessionLog.START:
                found = {tag: {at: y for at, y in own.items() if at < event.step} for tag, own in found.items()}
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


@pytest.mark.skipif(WRITER != "tensorboardX", reason="tensorboardX is not installed: there are no event files to read")
def test_event_files_hold_the_steps_also_after_a_resumption(tmp_path: Path, called: list[Any]) -> None:
    written(tmp_path, "tensorboard", range(1, 6))
    first = scalars(tmp_path / "tensorboard")
    assert first["loss"] == {at: pytest.approx(1 / at) for at in range(1, 6)}
    assert first["terms/orthogonal"][5] == 10
    time.sleep(1.1)  # an event file is named by the second
    written(tmp_path, "tensorboard", range(3, 5), resumed=2)
    assert sorted(scalars(tmp_path / "tensorboard")["loss"]) == [1, 2, 3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {"tensorboard"}
    assert not called


@pytest.mark.filterwarnings("ignore")  # of mlflow's own
@pytest.mark.skipif(not HAS_MLFLOW, reason="mlflow is not installed (an optional extra)")
def test_mlflow_holds_the_steps_in_the_runs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: list[Any]
) -> None:
    monkeypatch.setattr(mirrors, "PATIENCE", 90.0)
    written(tmp_path, "mlflow", range(1, 4))
    written(tmp_path, "mlflow", range(4, 6), resumed=3)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}")
    (experiment,) = client.search_experiments(filter_string="name = 'fluoroscope'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "mirrored"
    assert {one.step: one.value for one in client.get_metric_history(run.info.run_id, "terms/orthogonal")} == {
        at: 2.0 * at for at in range(1, 6)
    }
    assert run.data.params["training.batch_size"] == str(config().training.batch_size)
    assert not called
