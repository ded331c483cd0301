"""How work ends, in words: errors by their kind and text, exit codes, and real processes that run out of something."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import endings, jobs, runner
from core.endings import MemoryKills, as_ours
from core.errors import AcceleratorFailed, ConfigError, NoRoom, OutOfMemory, RunError
from core.files import read_json, write_json
from core.work import Work
from core.workspace import ROOT
from tests.tiny import until


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class AcceleratorError(RuntimeError):
    """Named as torch names its own."""


CPU = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (MemoryError(), OutOfMemory, r"^Memory ran out \(MemoryError\)\. Where towers learn, set"),
        (RuntimeError(CPU), OutOfMemory, r"^Memory ran out"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), OutOfMemory, r"^Memory ran out"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), OutOfMemory, r"^The accelerator's memory"),
        (AcceleratorError("CUDA error: out of memory\nCompile with"), OutOfMemory, r"memory ran out \(CUDA error"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when"), OutOfMemory, r"^The accelerator's memory"),
        (AcceleratorError("CUDA error: an illegal memory access"), AcceleratorFailed, r"failed: CUDA error: an"),
        (RuntimeError("CUDA error: unspecified launch failure\nmore"), AcceleratorFailed, r"failed: CUDA .*ure\. W"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), AcceleratorFailed, r"^The accelerator failed"),
        (RuntimeError("CUDA driver error: device not ready"), AcceleratorFailed, r"^The accelerator failed"),
        (OSError(errno.ENOSPC, "No space left on device"), NoRoom, r"^No room to write \(No space.*then go on\.$"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), NoRoom, r"^No room to write \(Disk quota"),
        (PermissionError(errno.EACCES, "no"), RunError, r"may not be written to"),
    ],
)  # fmt: skip
def test_an_error_of_the_system_says_what_to_do(error: Exception, kind: type[Exception], says: str) -> None:
    """Fault row 7, and what belongs to rows 3 and 5."""
    with pytest.raises(kind, match=says) as caught:
        raise as_ours(error) or AssertionError("not told")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), RuntimeError("shapes do not fit"), FileNotFoundError(2, "gone"), KeyError("out of memory")],
)
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    assert as_ours(error) is None


def test_an_error_of_ours_is_itself() -> None:
    error = ConfigError("CUDA error is no preset.")
    assert as_ours(error) is error


def test_torch_names_and_words_its_errors_so() -> None:
    import torch

    assert torch.OutOfMemoryError.__name__ == "OutOfMemoryError"
    assert torch.AcceleratorError.__name__ == "AcceleratorError"
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert isinstance(as_ours(caught.value), OutOfMemory), str(caught.value)


@pytest.mark.parametrize(
    ("state", "words", "helps"),
    [
        (jobs.JobState("exited", -9), "killed (signal 9), possibly out of memory", "If nobody killed it, memory ran"),
        (jobs.JobState("exited", -9, memory=True), "killed for memory (signal 9)", "because memory ran out. Where"),
        (jobs.JobState("exited", -11), "crashed (segmentation fault, signal 11)", "A library crashed"),
        (jobs.JobState("exited", -6), "crashed (aborted, signal 6)", "A library crashed"),
        (jobs.JobState("exited", 74), "failed: no room to write", "make room, then go on"),
        (jobs.JobState("exited", -1), "killed by signal 1", ""),
        (jobs.JobState("exited", 1), "failed", ""),
        (jobs.JobState("lost"), "lost: its process is gone", "the machine was restarted, or somebody killed it"),
        (jobs.JobState("exited", 0), "finished", ""),
        (jobs.JobState("exited", 85), "stopped", ""),
        (jobs.JobState("exited", -9, forced=True), "stopped by force: it did not end when it was asked to", ""),
    ],
)  # fmt: skip
def test_states_in_words(state: jobs.JobState, words: str, helps: str) -> None:
    """Fault row 5: a kill by signal 9 is said to be possibly for memory, and for sure where the kernel tells."""
    assert state.words == words
    assert helps in state.what_to_do and bool(helps) == bool(state.what_to_do)
    assert state.failed == (words not in ("finished", "stopped") and not state.forced)


def counting(path: Path, count: int) -> None:
    path.write_text(f"low 0\nhigh 5\noom 9\noom_kill {count}\n")


def test_the_kernel_is_asked_whether_it_killed_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "memory.events"
    counting(path, 3)
    monkeypatch.setattr(endings, "_counter", lambda: path)
    monkeypatch.setattr(MemoryKills, "LOOKS", 3)
    kills = MemoryKills()
    assert not kills.just_now()
    counting(path, 4)
    kills.look()
    assert kills.just_now()
    for _ in range(3):  # that was somebody else, long ago
        kills.look()
    assert not kills.just_now()
    for text in ("", "oom_kill", "oom_kill x", "other 7\n"):
        path.write_text(text)
        assert not kills.just_now()
    path.unlink()
    assert not kills.just_now() and not MemoryKills().just_now()


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of 150 MB of memory, where this machine lets us make one."""
    counter = endings._counter()
    if counter is None:
        pytest.skip("the kernel does not tell of memory control groups here")
    made = counter.parent / f"fluoroscope-test-{os.getpid()}"
    try:
        made.mkdir()
        limit = made / ("memory.limit_in_bytes" if counter.name == "memory.oom_control" else "memory.max")
        limit.write_text(str(150 * 2**20))
    except OSError:
        if made.exists():
            made.rmdir()
        pytest.skip("no control group can be made here (it takes root)")
    yield made
    until(lambda: not (made / "cgroup.procs").read_text().strip())
    made.rmdir()


IN_GROUP = """
import os, sys
from pathlib import Path
from core import jobs
Path(sys.argv[1]).write_text(str(os.getpid()))
jobs.start(Path(sys.argv[2]), ["-c", "print('growing', flush=True); x = [bytearray(2**20) for _ in range(4000)]"])
"""


def test_a_worker_that_takes_too_much_memory_is_known_to_be_killed_for_it(workspace: Path, group: Path) -> None:
    """Fault row 5, by a real limit of memory: no guess, and the end of the log is there."""
    folder = workspace / "job"
    subprocess.run([sys.executable, "-c", IN_GROUP, group / "cgroup.procs", folder], cwd=ROOT, check=True, timeout=60)
    until(lambda: not jobs.state(folder).busy, 60)
    assert jobs.state(folder) == jobs.JobState("exited", -signal.SIGKILL, memory=True)
    assert jobs.state(folder).words == "killed for memory (signal 9)"
    assert Work(folder).log_tail() == "growing"


REPORTING = """
import sys
from pathlib import Path
from core.work import Work
from scripts.common import main, reporting, set_up_log
folder = Path(sys.argv[1])
def work():
    {work}
set_up_log()
main(lambda: reporting(Work(folder), work))
"""
FILL = "stream = (folder / 'big').open('wb', buffering=0)\n    while True: stream.write(bytes(4096))"


def program(folder: Path, work: str) -> list[str]:
    return ["-c", REPORTING.format(work=work), str(folder)]


@pytest.mark.parametrize(
    ("work", "kind", "says"),
    [
        ("raise RuntimeError('CUDA error: unspecified launch failure\\nmore')", "AcceleratorFailed", "unspecified"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)); bytearray(2**32)", "OutOfMemory",
         "set training.micro_batch"),
    ],
)  # fmt: skip
def test_a_worker_that_loses_its_device_or_memory_says_so_once(
    workspace: Path, work: str, kind: str, says: str
) -> None:
    """Fault row 7: exit code, reason and traceback stay; nothing starts it again."""
    folder = workspace / "job"
    jobs.start(folder, program(folder, work))
    until(lambda: not jobs.state(folder).busy)
    told = read_json(folder / "failure.json")
    assert jobs.state(folder).code == 1 and told["kind"] == kind and says in told["message"]
    tail = Work(folder).log_tail()
    assert tail.count("Traceback") == 1 and "in work" in tail and tail.endswith(told["message"])


ON_SMALL_DISK = """
import sys, time
from pathlib import Path
from core import jobs
from core.errors import NoRoom
folder = Path(sys.argv[1]) / "job"
def ended():
    while jobs.state(folder).busy:
        time.sleep(0.05)
    print(jobs.state(folder).words, "|", jobs.state(folder).code)
jobs.start(folder, ["-c", sys.argv[2], str(folder)], accelerators=1)
ended()
try:
    jobs.start(folder, ["-c", "pass"], accelerators=1)
except NoRoom as error:
    print("told:", error)
print(jobs.state(folder).busy)
(folder / "big").unlink()
jobs.start(folder, ["-c", "print(1)"], accelerators=1)
ended()
"""


def test_a_disk_that_is_full_to_the_last_block(tmp_path: Path) -> None:
    """Fault row 3 for the supervision: how the worker ended is known, a start is refused, and room is all it takes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"',
        "sh",
        str(disk),
    ]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    code = REPORTING.format(work=FILL)
    environment = {**os.environ, "FLUOROSCOPE_HOME": str(disk / "home"), "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [*mount, sys.executable, "-c", ON_SMALL_DISK, str(disk), code],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.stdout.splitlines() == [
        "failed: no room to write | 74",
        "told: No room to write (the disk is full). What was saved is whole: make room, then go on.",
        "False",
        "finished | 0",
    ], ran.stdout + ran.stderr


def test_how_it_ended_is_written_into_what_was_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: Any) -> None:
        if path.name == "exit.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_json(path, data)

    monkeypatch.setattr(runner, "write_json", full)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert runner.run(tmp_path, {"arguments": ["-c", "raise SystemExit(3)"], "grace": 5}) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert json.loads((tmp_path / "exit.json").read_text()) == {"code": 3, "forced": False, "memory": False}
    assert jobs.state(tmp_path).code == 3 or jobs.state(tmp_path).busy  # this process still holds the lock
