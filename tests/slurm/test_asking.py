"""What Slurm prints, read; what is asked of it, checked; and asking that blocks nobody. Outputs are recorded ones."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from core.config.slurm import SlurmConfig
from core.errors import ClusterError, ConfigError
from core.slurm import commands, listing
from core.slurm.listing import Listed, Question, read_sacct, read_squeue
from core.slurm.options import SCRIPT, words
from core.slurm.words import ending, reason
from core.workspace import ROOT

SQUEUE = """\
6_1|PENDING|JobArrayTaskLimit|
6_3|PENDING|Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions|
9|PENDING|Resources|
6_0|RUNNING|None|vm
8|COMPLETING|None|gpu[001-002]
13|PENDING|BeginTime|
2|FAILED|BadConstraints|
15|FAILED|NonZeroExitCode|vm
slurm_load_jobs error: Unexpected message received
"""


def test_squeue_is_read() -> None:
    found = read_squeue(SQUEUE)
    assert len(found) == 8
    assert found["6_1"] == Listed("PENDING", "JobArrayTaskLimit", "")
    assert found["6_0"] == Listed("RUNNING", "", "vm") and found["8"].node == "gpu[001-002]"
    assert reason(found["6_1"].reason) == "as many of its array as may work at once are at work"
    assert reason(found["6_3"].reason) == "its nodes are down, drained or reserved"
    assert reason("ReqNodeNotAvail, UnavailableNodes:vm") == "its nodes are down, drained or reserved"
    assert reason("QOSMaxGRESPerUser") == "a limit of the account or quality of service is reached (QOSMaxGRESPerUser)"
    assert reason("SomethingNew") == "SomethingNew" and reason("") == "it was just handed over"


@pytest.mark.parametrize("text", ["", "\n", "|||", "x|RUNNING|None|vm", "7|RUNNING", "slurm_load_jobs error: x|y|z|w"])
def test_what_is_no_line_of_squeue_is_left_out(text: str) -> None:
    assert read_squeue(text) == {}


def test_sacct_is_read() -> None:
    assert read_sacct("") is None
    assert read_sacct("TIMEOUT|vm\n") == Listed("TIMEOUT", "", "vm")
    assert read_sacct("CANCELLED by 1000|None assigned\n") == Listed("CANCELLED", "", "")
    assert read_sacct("PREEMPTED|n1\nCOMPLETED|n2\n") == Listed("COMPLETED", "", "n2")


def test_endings_in_words() -> None:
    assert ending("TIMEOUT", "n1") == "out of time: Slurm ended it at its time limit"
    assert ending("OUT_OF_MEMORY", "n1") == "out of memory: Slurm killed it (n1)"
    assert ending("COMPLETED", "n1").startswith("failed in Slurm before it could say why")


def test_partitions_are_read() -> None:
    text = "main*|up|infinite|(null)\ngpu|up|2-00:00:00|gpu:a100:4\ngpu|up|2-00:00:00|(null)\nold|down|1:00|(null)\n"
    assert [str(one) for one in commands.read_partitions(text)] == [
        "main (default, up to infinite)",
        "gpu (up to 2-00:00:00, gpu:a100:4)",
    ]


HOSTILE = ["a b", "a;b", "$(id)", "`id`", "main\n#SBATCH --uid=0", "-p", "a'b", 'a"b', "é", "a" * 65, "main,", "--help"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["partition", "time"])
def test_hostile_words_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"SlurmConfig\.{name} is "):
        SlurmConfig(**{name: value})


@pytest.mark.parametrize(
    "line",
    ["account", "account=", "account=a b", "account=$(id)", "wrap=id", "output=/etc/passwd", "uid=0", "array=0-9",
     "export=NONE", "chdir=/", "account=a\nb", "", "--", "=x", "exclusive=a;b", "partition=`id`"],
)  # fmt: skip
def test_hostile_options_are_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"SlurmConfig\.extra has"):
        SlurmConfig(extra=(line,))


def test_allowed_words() -> None:
    for time_limit in ("", "90", "90:00", "4:00:00", "2-12", "2-12:30", "2-12:30:15"):
        SlurmConfig(time=time_limit)
    made = SlurmConfig(
        partition="gpu,gpu-long", extra=("--account=lab.1", "qos=high", "constraint=a100|h100", "exclusive")
    )
    assert SlurmConfig.from_json(made.to_json()) == made


def test_the_command_line_of_sbatch() -> None:
    config = SlurmConfig(partition="gpu", gpus=2, time="2-12", cpus=8, memory=64, at_once=3, extra=("account=lab",))
    folder = Path("/disk/100 % $HOME/runs/x")
    one = words(config, "x", folder, folder / "plan.json", None)
    assert one[-5:] == [str(SCRIPT), sys.executable, "-m", "core.slurm.task", str(folder / "plan.json")]
    assert {"--partition=gpu", "--gres=gpu:2", "--time=2-12", "--cpus-per-task=8", "--mem=64G", "--account=lab"} <= {
        *one
    }
    assert {"--requeue", "--signal=B:USR1@120", f"--chdir={ROOT}", "--nodes=1", "--ntasks=1"} <= {*one}
    assert "--output=/disk/100 %% $HOME/runs/x/slurm-%j.out" in one
    assert not [word for word in one if word.startswith("--array")]
    assert "--array=0-8%3" in words(config, "x", folder, folder / "plan.json", 9)
    plain = words(SlurmConfig(requeue=False, cpus=0, time=""), "x", folder, folder / "plan.json", 9)
    assert "--array=0-8" in plain and "--no-requeue" in plain and "--requeue" not in plain
    assert not [word for word in plain if word.startswith(("--partition", "--gres", "--time", "--mem", "--cpus"))]
    assert SCRIPT.read_text().splitlines()[-1] == 'exec "$@"'


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, code: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)


def test_a_refusal_is_told_in_slurms_words_once(bin_folder: Path) -> None:
    program(
        bin_folder,
        "sbatch",
        "import sys\nsys.exit('sbatch: error: bad one.\\nsbatch: error: bad one.\\nsbatch: error: two')",
    )
    with pytest.raises(ClusterError, match=r"^sbatch: bad one; two$"):
        commands.call("sbatch")
    with pytest.raises(ClusterError, match="nosuch-command cannot be run"):
        commands.call("nosuch-command")


def test_a_hanging_command_is_given_up(bin_folder: Path) -> None:
    program(bin_folder, "squeue", "import time\ntime.sleep(60)")
    with pytest.raises(ClusterError, match="did not answer squeue within"):
        commands.call("squeue", patience=0.3)


def test_a_job_of_our_own_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_CONF", "/x")
    assert {name for name in commands.environment() if name.startswith("SLURM_")} == {"SLURM_CONF"}


def test_many_lookers_ask_once_and_an_old_answer_is_better_than_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def ask() -> int:
        asked.append(1)
        if len(asked) > 1:
            go.wait(20)
        return len(asked)

    question = Question(ask)
    assert [question.get().value for _ in range(3)] == [1, 1, 1] and len(asked) == 1
    monkeypatch.setattr(listing, "AGE", 0.0)
    monkeypatch.setattr(listing, "LATER_WAIT", 0.01)
    assert [question.get().value for _ in range(50)] == [1] * 50 and len(asked) == 2, "one asking at a time"
    go.set()
    deadline = time.monotonic() + 20
    while question.get().value == 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_trouble_keeps_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([5])

    def ask() -> int:
        try:
            return next(answers)
        except StopIteration:
            raise ClusterError("no controller") from None

    monkeypatch.setattr(listing, "AGE", 0.0)
    question = Question(ask)
    assert question.get().value == 5
    later = question.get()
    assert (later.value, later.trouble) == (5, "no controller")
