"""What the meter says of a process, of its children, and of machines that cannot tell."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from core.metering import Meter

CPU = torch.device("cpu")
HUNGRY = "kept = bytearray(80_000_000); kept[::4096] = b'1' * len(kept[::4096]); print(1, flush=True); input()"


def test_it_looks_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter, said = Meter(CPU), []
    for _ in range(40):
        said.append(bool(meter.read()))
        now[0] += 0.25
    assert said == [True, False, False, False] * 10


def test_a_first_look_knows_no_use_of_processors() -> None:
    meter = Meter(CPU, every=0)
    first, second = meter.read(), meter.read()
    assert set(first) == {"host_bytes"} and set(second) == {"host_bytes", "cores"}
    assert first["host_bytes"] > 0.7 * psutil.Process().memory_info().rss, "and children that other tests have left"


def test_children_count() -> None:
    meter = Meter(CPU, every=0)
    before = meter.read()["host_bytes"]
    with subprocess.Popen([sys.executable, "-c", HUNGRY], stdin=-1, stdout=-1, text=True) as child:
        assert child.stdout
        child.stdout.readline()
        during = meter.read()["host_bytes"]
        child.communicate("\n")
    assert during - before > 80_000_000
    assert meter.read()["host_bytes"] - before < 40_000_000


def test_processors_at_work_are_counted_also_those_of_a_child_that_ended() -> None:
    meter = Meter(CPU, every=0)
    meter.read()
    started = time.process_time()
    while time.process_time() - started < 0.2:
        pass
    assert meter.read()["cores"] > 0.1
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert meter.read()["cores"] > 0.1  # it was never seen alive


def test_processes_that_train_together_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchrun starts them: here the others are whatever else the parent of this process has started."""
    alone = Meter(CPU, every=0).read()["host_bytes"]
    monkeypatch.setenv("LOCAL_RANK", "0")
    parent = psutil.Process().parent()
    assert parent
    assert Meter(CPU, every=0).read()["host_bytes"] >= alone + 0.5 * parent.memory_info().rss


class Gpu:
    """A GPU that says what it is told to; there is none on the machines that run this test."""

    def __init__(self, busy: Any) -> None:
        self.busy, self.asked = busy, 0

    def utilization(self, device: torch.device) -> int:
        self.asked += 1
        if isinstance(self.busy, Exception):
            raise self.busy
        return int(self.busy)


def on_gpu(monkeypatch: pytest.MonkeyPatch, busy: Any) -> tuple[Meter, Gpu]:
    gpu = Gpu(busy)
    given = SimpleNamespace(
        memory_allocated=lambda device: 3 << 30,
        max_memory_allocated=lambda device: 5 << 30,
        utilization=gpu.utilization,
    )
    monkeypatch.setattr(torch, "cuda", given)
    return Meter(torch.device("cuda"), every=0), gpu


def test_what_a_gpu_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    meter, _ = on_gpu(monkeypatch, 87)
    found = meter.read()
    assert (found["accelerator_bytes"], found["accelerator_peak_bytes"], found["accelerator_busy"]) == (
        3 << 30,
        5 << 30,
        0.87,
    )


def test_what_a_gpu_cannot_tell_is_absent_and_asked_for_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    meter, gpu = on_gpu(monkeypatch, ModuleNotFoundError("nvidia-ml-py does not seem to be installed"))
    with caplog.at_level("INFO"):
        found = [meter.read() for _ in range(3)]
    assert all("accelerator_busy" not in one and one["accelerator_bytes"] == 3 << 30 for one in found)
    assert gpu.asked == 1 and len(caplog.records) == 1
    assert "nvidia-ml-py" in caplog.text
