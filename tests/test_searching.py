"""What a worker of a search does by itself: reading epochs, drawing settings, the journal, importances, pruning."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from core import processes
from core.config.run import RunConfig
from core.logbook import read_metrics
from core.runs import MANIFESTS, Run, list_runs
from core.searches import Search, SearchWorker
from core.searching import worker as working
from core.searching.journal import open_study, sampler_of
from core.searching.report import importances, report, thinned
from core.searching.validation import ValidationTail, kept_value
from core.searching.worker import Searcher
from tests.finished import QUICK, command, printed
from tests.tiny import tiny_study, until
from tests.toys import toy_base, toy_search

RATE = {"training.learning_rate": FloatDistribution(1e-5, 0.1, log=True)}


def lines(path: Path, *rows: dict[str, object]) -> None:
    with path.open("a") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def epoch(number: int, **values: float) -> dict[str, object]:
    return {"step": 10 * number, "epoch": float(number), "validation": values}


def test_epochs_are_read_once_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = ValidationTail(path, "auroc")
    assert tail.new() == []
    lines(path, {"step": 1, "epoch": 0.1, "validation": {}}, epoch(1, auroc=0.6, loss=2.0))
    assert tail.new() == [(1, 0.6)]
    with path.open("a") as stream:
        stream.write(json.dumps(epoch(2, auroc=0.7))[:30])
        stream.flush()
        assert tail.new() == []
        stream.write(json.dumps(epoch(2, auroc=0.7))[30:] + "\n")
    assert tail.new() == [(2, 0.7)]
    replaced = tmp_path / "new"
    lines(replaced, epoch(1, auroc=0.6))
    replaced.replace(path)  # a run that goes on from a checkpoint cuts its log
    assert tail.new() == [(1, 0.6)]


def keeping(keep: str) -> RunConfig:
    base = toy_base()
    return base.replace(training=base.training.replace(keep=keep))


@pytest.mark.parametrize(
    ("keep", "judged", "value"),
    [("last", "auroc", 0.65), ("best", "auroc", 0.7), ("last", "loss", 1.5), ("best", "loss", 1.2)],
)
def test_a_trial_is_worth_what_its_kept_weights_are(tmp_path: Path, keep: str, judged: str, value: float) -> None:
    """The best epoch is chosen by AUROC, the later of equal ones, also where its loss is asked for."""
    path = tmp_path / "metrics.jsonl"
    lines(path, epoch(1, auroc=0.7, loss=1.0), epoch(2, auroc=0.7, loss=1.2), epoch(3, auroc=0.65, loss=1.5))
    assert kept_value(path, keeping(keep), judged) == value  # type: ignore[arg-type]


def test_without_auroc_the_best_epoch_is_the_one_of_least_loss(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert kept_value(path, keeping("best"), "loss") is None
    lines(path, epoch(1, loss=1.5), epoch(2, loss=1.0), epoch(3, loss=1.2))
    assert kept_value(path, keeping("best"), "loss") == 1.0
    assert kept_value(path, keeping("best"), "auroc") is None


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_no_two_trials_draw_the_same_though_each_starts_anew(workspace: Path, sampler: str) -> None:
    """And the same search draws the same again, whoever draws."""
    config = toy_search(sampler=sampler, seed=3)

    def draw(name: str) -> list[float]:
        search = Search.create(config.replace(name=name))
        found = []
        for number in range(14):
            study = open_study(search)  # as a worker does that was started again
            study.sampler = sampler_of(config, number)
            trial = study.ask()
            found.append(trial.suggest_float("rate", 1e-5, 0.1, log=True))
            study.tell(trial, found[-1])
        return found

    first = draw("a")
    assert len(set(first)) == 14
    assert draw("b") == first


def test_half_a_line_that_a_kill_left_is_cut_off(workspace: Path) -> None:
    search = Search.create(toy_search())
    study = open_study(search)
    study.tell(study.ask(), 1.0)
    path = search.folder / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":5,"wor')
    study = open_study(search)
    assert path.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
    study.tell(study.ask(), 2.0)
    assert [trial.value for trial in open_study(search).trials] == [1.0, 2.0]


def filled(search: Search, values: list[float]) -> optuna.Study:
    """Complete trials: the value is that of the learning rate, the same at each epoch."""
    study = open_study(search)
    for at, value in enumerate(values):
        study.add_trial(
            create_trial(
                value=value,
                params={"training.learning_rate": 10.0 ** (-5 + 4 * at / len(values))},
                distributions=RATE,
                intermediate_values=dict.fromkeys(range(1, 4), value),
            )
        )
    return study


def test_importances_come_with_ten_trials(workspace: Path) -> None:
    search = Search.create(toy_search())
    study = filled(search, [0.1 * at for at in range(9)])
    report(study, search)
    assert search.importances() == {"trials": 9, "needed": 10, "values": {}}
    assert [one.value for one in search.trials()] == pytest.approx([0.1 * at for at in range(9)])
    report(filled(search, [0.95]), search)
    assert search.importances() == {"trials": 10, "needed": 10, "values": {"training.learning_rate": 1.0}}


def test_importances_find_what_matters(workspace: Path) -> None:
    study = open_study(Search.create(toy_search()))
    ranges = {"a": FloatDistribution(0.0, 1.0), "b": FloatDistribution(0.0, 1.0)}
    for at in range(40):
        a, b = (at * 0.618) % 1, (at * 0.414) % 1
        study.add_trial(create_trial(value=a, params={"a": a, "b": b}, distributions=ranges))
    shares = importances(study, 40)
    assert shares["a"] > 0.7 and sum(shares.values()) == pytest.approx(1)


def test_long_trials_are_told_in_few_epochs() -> None:
    values = {at: float(at) for at in range(1, 11)}
    assert thinned(values, 10) == values and thinned({}) == {}
    assert thinned(values, 4) == {1: 1.0, 4: 4.0, 7: 7.0, 10: 10.0}
    assert thinned({2: 2.0, 1: 1.0}, 1) == {2: 2.0}


class NoStop:
    """A stop request that leaves the signals of this process alone."""

    asked = False

    def check(self) -> None:
        """Nobody asks."""


def test_pruning_really_stops_a_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five trials were perfect; the sixth, a real run of 5,000 epochs, has two epochs of grace."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(working, "StopRequest", NoStop)
    tiny_study(counts=(16, 8, 8))
    search = Search.create(toy_search(base=toy_base(epochs=5000, seconds=20.0), pruner="median", trials=6))
    filled(search, [1.0] * 5)
    searcher = Searcher(SearchWorker(search.folder / "workers" / "1"))
    trial = searcher._claim()
    assert trial is not None and trial.number == 5
    searcher._try(trial)
    searcher.publish()
    [run] = list_runs()
    pruned = search.trials()[5]
    assert (pruned.state, pruned.run) == ("pruned", run.id)
    assert re.match(r"after epoch 2 of 5000, at 0\.\d+: others were higher", pruned.reason)
    assert run.state().stopped and not run.has("train")
    rows = read_metrics(run.folder / "metrics.jsonl")
    assert rows[-1]["note"].startswith("Pruned by the search toys") and len(rows) < 4000
    assert pruned.value is not None and pruned.value < 1.0
    assert open_study(search).trials[5].state == TrialState.PRUNED


@pytest.mark.long
def test_the_command_searches_is_killed_and_goes_on(workspace: Path) -> None:
    """Real runs: killed at work, with its run; the same command ends with the best settings."""
    tiny_study(counts=(16, 8, 8))
    words = f"scripts.search --study tiny --preset linear --name mine --trials 2 {QUICK}".split()
    assert printed(command(workspace, *words, "--background")).split()[0] == "mine"
    search = Search.load("mine")
    until(lambda: any(one.run for one in search.trials()), 120)
    time.sleep(random.uniform(0, 3))
    for worker in search.running():
        processes.kill_tree(processes.process_of(worker.folder, "runner") or 0)
    until(lambda: not search.running())
    assert not search.state().done
    said = printed(command(workspace, *words))
    assert search.state().done
    trials = search.trials()
    assert [(one.number, one.state) for one in trials] == [(0, "complete"), (1, "complete")]
    assert len({one.run for one in trials}) == len(list_runs()) == 2
    best = search.best()
    assert best is not None and f"best: trial {best.number}, validation AUROC {best.value:.4f}" in said
    assert all(Run.load(str(best.run)).has(stage) for stage in MANIFESTS)
    assert "python -m scripts.run --preset linear --study tiny" in said and "--training.learning-rate" in said
