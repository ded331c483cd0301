"""A real Slurm of one machine: its own munge, controller and node daemon, in a folder, on free ports."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
SYSTEM = "/usr/sbin:/sbin"

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={port_of_node}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ReturnToService=2
MailProg=/bin/true
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=500 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> str | None:
    """Why there can be no cluster here; None where there can."""
    lacking = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}") is None]
    if lacking:
        return f"Slurm is not on this machine (no {', '.join(lacking)}): apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "only root can start Slurm's node daemon"


def wait_for(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.1)
    return False


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@dataclass
class Cluster:
    """The daemons, started here and ended here by their own process objects."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def conf(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def host(self) -> str:
        return socket.gethostname().split(".")[0]

    def start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        self.conf.write_text(
            CONF.format(host=self.host, folder=self.folder, port=free_port(), port_of_node=free_port())
        )
        (self.folder / "gres.conf").write_text(f"NodeName={self.host} Name=gpu File=/dev/null\n")
        files = {"key": key, **{name: self.folder / f"munge.{name}" for name in ("socket", "pid", "log", "seed")}}
        words = [f"--{name}{'' if name == 'socket' else '-file'}={path}" for name, path in files.items()]
        self._daemon("munged", "--foreground", "--force", *words)
        assert wait_for((self.folder / "munge.socket").exists), self.said()
        self._daemon("slurmctld", "-D", "-f", str(self.conf))
        self.start_node()

    def start_node(self) -> None:
        self._daemon("slurmd", "-D", "-f", str(self.conf))
        assert wait_for(lambda: self.ask("sinfo", "-h", "-o", "%T", quiet=True).startswith(("idle", "mixed")), 30), (
            self.said()
        )

    def _daemon(self, name: str, *words: str) -> None:
        program = shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}")
        assert program
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SLURM_CONF": str(self.conf)},
                start_new_session=True,
            )

    def said(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.out"))

    def ask(self, *words: str, quiet: bool = False) -> str:
        """What a command of Slurm prints, as an administrator types it."""
        env = {**os.environ, "SLURM_CONF": str(self.conf)}
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=env)
        assert quiet or ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def kill_node(self) -> None:
        """As when a machine loses power: the daemon, and whatever it had started, are gone at once."""
        daemon = self.daemons.pop("slurmd")
        daemon.kill()
        daemon.wait()
        for step in self.steps():
            for one in [*step.children(recursive=True), step]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        self.ask("scontrol", "update", f"nodename={self.host}", "state=down", "reason=test")

    def steps(self) -> list[psutil.Process]:
        """The processes that hold this cluster's jobs: they outlive its daemon."""
        found = []
        for one in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                if one.info["name"] == "slurmstepd" and one.environ().get("SLURM_CONF") == str(self.conf):
                    found.append(one)
        return found

    def signal(self, name: str, number: signal.Signals) -> None:
        self.daemons[name].send_signal(number)

    def clear(self) -> None:
        """No job is left."""
        self.signal("slurmctld", signal.SIGCONT)
        self.ask("scancel", "--user=root", "--hurry", quiet=True)
        assert wait_for(lambda: not self.ask("squeue", "-h", quiet=True), 30), self.ask("squeue", quiet=True)

    def end(self) -> None:
        with contextlib.suppress(AssertionError, subprocess.SubprocessError, KeyError):
            self.clear()
        for step in self.steps():
            for one in [*step.children(recursive=True), step]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        for daemon in reversed(self.daemons.values()):
            daemon.send_signal(signal.SIGCONT)
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
