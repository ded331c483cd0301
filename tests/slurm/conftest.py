"""One real Slurm for all tests of a process that want one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.slurm import listing
from tests.slurm.cluster import Cluster, missing


@pytest.fixture(scope="session")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if why := missing():
        pytest.skip(why)
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        try:
            made.start()
        except AssertionError as error:  # a machine may forbid it what it needs: that says nothing of us
            pytest.skip(f"Slurm is installed, but does not come up on this machine: {error}")
        yield made
    finally:
        made.end()


@pytest.fixture
def cluster(daemons: Cluster, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The cluster of this test: what it leaves behind there is cancelled."""
    monkeypatch.setenv("SLURM_CONF", str(daemons.conf))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(listing, "AGE", 0.2)
    monkeypatch.setattr(listing, "_of_users", {})
    yield daemons
    daemons.clear()
