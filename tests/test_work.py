"""Work in the background: what it tells of itself, and what is left when it ends in any way."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import work
from core.errors import RunError, Stopped, StudyError
from core.work import ProgressFile, StopRequest, Work, read_progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: now[0])
    return now


class TestProgress:
    def test_a_stage_from_beginning_to_end(self, tmp_path: Path, clock: list[float]) -> None:
        progress = ProgressFile(tmp_path, every=0.0)
        with progress.stage("import", "radiographs") as tell:
            zero = {"stage": "import", "unit": "radiographs", "done": 0, "total": 0, "seconds": 0.0, "rate": 0.0}
            assert read_progress(tmp_path) == {"now": zero, "finished": []}
            tell(0, 50)
            clock[0] += 4
            tell(20, 50)
            now = read_progress(tmp_path)["now"]
            assert (now["done"], now["total"], now["seconds"], now["rate"]) == (20, 50, 4.0, 5.0)
            clock[0] += 6
            tell(50, 50)
            assert read_progress(tmp_path)["now"]["rate"] == 5.0
        assert read_progress(tmp_path) == {"now": None, "finished": [{"stage": "import", "seconds": 10.0}]}
        with progress.stage("map"):
            clock[0] += 1
        told = read_progress(tmp_path)
        assert [one["stage"] for one in told["finished"]] == ["import", "map"] and told["now"] is None

    def test_what_was_there_before_does_not_count_for_the_rate(self, tmp_path: Path, clock: list[float]) -> None:
        """1,000 were done before a stop; the 10 s until the first report (a model loads) do not count either."""
        with ProgressFile(tmp_path, every=0.0).stage("import") as tell:
            clock[0] += 10
            tell(1000, 2000)
            clock[0] += 2
            tell(1040, 2000)
            now = read_progress(tmp_path)["now"]
            assert now["rate"] == 20.0 and now["seconds"] == 12.0 and now["done"] == 1040

    def test_it_is_not_written_at_every_step(self, tmp_path: Path, clock: list[float]) -> None:
        with ProgressFile(tmp_path, every=0.4).stage("import") as tell:
            seen = []
            for done in range(1, 11):
                clock[0] += 0.125
                tell(done, 10)
                seen.append(read_progress(tmp_path)["now"]["done"])
        assert seen == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8]

    def test_a_stage_that_fails_is_not_finished(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), ProgressFile(tmp_path, every=0.0).stage("import") as tell:
            tell(3, 9)
            raise ZeroDivisionError
        told = read_progress(tmp_path)
        assert told["now"]["done"] == 3 and told["finished"] == []

    @pytest.mark.parametrize("text", [None, "", "{"])
    def test_nothing_was_written_yet(self, tmp_path: Path, text: str | None) -> None:
        if text is not None:
            (tmp_path / "progress.json").write_text(text)
        assert read_progress(tmp_path) == {"now": None, "finished": []}


class TestStop:
    @pytest.fixture(autouse=True)
    def _handlers(self) -> Iterator[None]:
        """What listened before listens again afterwards."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_is_heard_when_it_is_asked_about(self, number: signal.Signals) -> None:
        stop = StopRequest()
        stop.check()
        assert not stop.asked
        os.kill(os.getpid(), number)
        assert stop.asked
        for _ in range(2):
            with pytest.raises(Stopped, match="the work can go on from there"):
                stop.check()


class TestWork:
    def test_failure(self, tmp_path: Path) -> None:
        one = Work(tmp_path / "some-id")
        one.folder.mkdir()
        assert one.id == "some-id" and one.failure() is None
        one.fail(StudyError("No such folder."))
        assert one.failure() == "No such folder."
        assert json.loads((one.folder / "failure.json").read_text())["kind"] == "StudyError"
        one.fail(RunError("Another."))
        assert one.failure() == "Another."
        one.forget_failure()
        one.forget_failure()
        assert one.failure() is None

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", "3"])
    def test_a_torn_failure(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "failure.json").write_text(text)
        assert Work(tmp_path).failure() is None

    @pytest.mark.parametrize(
        ("log", "tail"),
        [
            (b"", ""),
            (b"one\ntwo\n", "one\ntwo"),
            (b"one\ntwo", "one\ntwo"),
            (b"a\nb\nc\nd\n", "b\nc\nd"),
            (b"10 %\r50 %\r100 %\ndone\n", "100 %\ndone"),
            (b"100 %\r\ndone\r\n", "100 %\ndone"),
            (b"\xff\xfe", "\ufffd\ufffd"),
        ],
    )
    def test_log_tail(self, tmp_path: Path, log: bytes, tail: str) -> None:
        (tmp_path / "log.txt").write_bytes(log)
        assert Work(tmp_path).log_tail(3) == tail

    def test_a_long_log_is_not_read_whole(self, tmp_path: Path) -> None:
        (tmp_path / "log.txt").write_bytes(b"x" * 1_000_000 + b"\nlast\n")
        tail = Work(tmp_path).log_tail()
        assert tail.endswith("\nlast") and len(tail) <= 65_536
        assert Work(tmp_path / "none").log_tail() == ""

    def test_not_started(self, tmp_path: Path) -> None:
        one = Work(tmp_path)
        assert one.state().state == "new" and not one.stop()
        with pytest.raises(NotImplementedError):
            one.start()
