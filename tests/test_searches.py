"""Searches: who works on them, what a kill leaves behind, when a trial is pruned, and how trials are judged."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs
from core.config.search import SearchConfig
from core.errors import ConfigError, RunBusy, RunError
from core.logbook import read_metrics
from core.runs import Run, list_runs
from core.searches import Search, SearchWorker, list_searches
from core.studies.study import Study
from tests.tiny import tiny_study, until
from tests.toys import start_toy, start_worker, toy_base, toy_search

Toys = Callable[..., Search]


@pytest.fixture
def tiny(workspace: Path) -> Study:
    return tiny_study(counts=(8, 4, 4))


@pytest.fixture
def toys(tiny: Study, monkeypatch: pytest.MonkeyPatch) -> Toys:
    """Begins a search whose workers are real and whose runs are toys."""
    monkeypatch.setattr(Run, "start", start_toy)
    monkeypatch.setattr(SearchWorker, "start", start_worker)

    def begin(workers: int = 1, **settings: object) -> Search:
        return Search.begin(toy_search(**settings), workers)

    return begin


def ended(search: Search, seconds: float = 120.0) -> Search:
    until(lambda: not search.state().busy, seconds)
    return Search(search.folder)


def check_whole(search: Search, trials: int) -> None:
    """Every trial that was asked for is there once, with a run of its own, and there is no other run."""
    found = search.trials()
    assert [one.number for one in found] == list(range(trials))
    assert {one.state for one in found} <= {"complete", "pruned", "failed"}
    runs = [one.run for one in found if one.run]
    assert len(set(runs)) == len(runs) == len(list_runs())
    for run in list_runs():
        steps = [row["step"] for row in read_metrics(run.folder / "metrics.jsonl") if "step" in row]
        assert steps == list(range(1, len(steps) + 1))
    assert len({json.dumps(one.parameters) for one in found}) == trials


def test_two_workers_share_a_search(toys: Toys) -> None:
    search = toys(workers=2, trials=7)
    assert len(search.running()) == 2
    search = ended(search)
    assert search.state().done, search.log_tail()
    check_whole(search, 7)
    said = [worker.log_tail() for worker in search.workers()]
    assert all("validation AUROC" in log for log in said)
    best = search.best()
    assert best is not None and best.value == max(one.value or 0 for one in search.trials())
    whole = [run.id for run in list_runs() if run.has("project")]
    assert whole == [best.run]


def test_killed_at_any_moment_it_goes_on(toys: Toys) -> None:
    """Workers are killed with SIGKILL, at moments that differ from test to test; runs under way live on, or die too."""
    rng = random.Random()
    search = toys(workers=2, trials=6, base=toy_base(epochs=4, seconds=0.05))
    for _ in range(4):
        time.sleep(rng.uniform(0.3, 2.5))
        for work in (*search.running(), *(list_runs() if rng.random() < 0.5 else ())):
            kill(work.folder)
        until(lambda: not search.running())
        if search.finished():
            break
        search.start(rng.choice([1, 2]))
    search = ended(search)
    assert search.state().done, search.log_tail()
    # a run that died alone under a living worker failed; its trial is told apart, and is not tried in secret again
    check_whole(search, 6)


def kill(folder: Path) -> None:
    """Both processes of a job, if they are there."""
    try:
        told = json.loads((folder / "process.json").read_text())
    except FileNotFoundError:
        return
    for role in ("runner", "worker"):
        if jobs.state(folder).busy:
            try:
                os.kill(told[role]["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue


def test_a_stopped_search_goes_on_with_the_same_runs(toys: Toys) -> None:
    search = toys(trials=2, base=toy_base(epochs=60, seconds=0.1))
    until(lambda: any(one.values for one in search.trials()))
    search.stop()
    search = ended(search)
    assert search.state().stopped
    before = search.trials()
    assert [one.state for one in before] == ["interrupted"]
    assert Run.load(str(before[0].run)).state().stopped
    toys(trials=2, base=toy_base(epochs=60, seconds=0.1))  # the same command again
    search = ended(search)
    check_whole(search, 2)
    assert search.trials()[0].run == before[0].run
    assert search.trials()[0].parameters == before[0].parameters


def test_the_trial_of_a_dead_worker_is_taken_up_by_the_living_one(toys: Toys) -> None:
    search = toys(workers=2, trials=4, base=toy_base(epochs=20, seconds=0.1))
    until(lambda: sum(bool(one.values) for one in search.trials()) >= 2)
    kill(search.running()[0].folder)
    search = ended(search)
    assert search.state().done, search.log_tail()
    check_whole(search, 4)


def test_more_trials_can_be_asked_for(toys: Toys) -> None:
    search = ended(toys(trials=2))
    check_whole(search, 2)
    first = search.trials()
    with pytest.raises(ConfigError, match="another base"):
        toys(trials=2, base=toy_base(epochs=5))
    search = ended(toys(trials=3))
    check_whole(search, 3)
    assert search.trials()[:2] == first


def test_a_second_start_is_told_that_it_is_running(toys: Toys) -> None:
    search = toys(trials=2, base=toy_base(epochs=40, seconds=0.1))
    with pytest.raises(RunBusy, match="at work with 1 worker already"):
        search.start()
    search.start(2)
    assert [worker.id for worker in search.running()] == ["1", "2"]
    search.stop()
    ended(search)


def test_failures_are_noted_and_do_not_end_it(toys: Toys) -> None:
    search = ended(toys(trials=8, high=10.0))
    trials = search.trials()
    assert search.state().done, search.log_tail()
    assert next(one.reason for one in trials if one.state == "failed") == "The loss became nan at step 1."
    for one in trials:
        assert (one.state == "failed") == (one.parameters["training.learning_rate"] > 0.5)  # type: ignore[operator]
        assert (one.value is None) == (one.state == "failed")


def test_where_nothing_but_failures_comes_it_ends(toys: Toys) -> None:
    base = toy_base().replace(label="x")
    search = Search.begin(toy_search(base=base, trials=50, space=[dimension("training.learning_rate=log:1:10")]))
    search = ended(search)
    assert search.state().words == "failed"
    assert "All of the first 5 trials failed" in str(search.failure()) and "became nan" in str(search.failure())


def dimension(text: str) -> object:
    from core.config.space import Dimension

    return Dimension.parse(text).to_json()


def test_refused_settings_are_a_failed_trial_without_a_run(toys: Toys) -> None:
    heads = dimension("head.kind=choice:linear,projection")
    search = ended(toys(trials=6, space=[heads, dimension("training.weight_decay=log:1e-6:1e-2")]))
    for one in search.trials():
        refused = one.parameters["head.kind"] == "projection"
        assert (one.state == "failed", one.run is None) == (refused, refused)
        assert ("cannot learn from that loss" in one.reason) == refused
    assert {one.state for one in search.trials()} == {"failed", "complete"}


def test_a_run_that_somebody_stops_is_a_failed_trial(toys: Toys) -> None:
    search = toys(trials=1, base=toy_base(epochs=100, seconds=0.1))
    until(lambda: any(one.values for one in search.trials()))
    list_runs()[0].stop()
    search = ended(search)
    assert [(one.state, one.reason) for one in search.trials()] == [("failed", "Its run was stopped by hand.")]
    assert "No trial went to its end" in str(search.failure())


def test_searches_are_found_by_name(toys: Toys) -> None:
    with pytest.raises(RunError, match="there is none yet"):
        Search.load("toys")
    search = ended(toys(trials=1))
    assert Search.load("toys") == search == list_searches()[0]
    assert SearchConfig.from_json(json.loads((search.folder / "config.json").read_text())) == search.config
