"""One worker of a search: asks optuna for settings, has them tried as a run, tells optuna how it went."""

from __future__ import annotations

import contextlib
import logging
import time
import uuid

import optuna
from filelock import Timeout
from optuna.trial import TrialState

from core.children import carry_out
from core.config.search import JUDGED
from core.config.space import Dimension, Value
from core.demands import new_run
from core.errors import ConfigError, RunError, StudyError
from core.jobs import JobState
from core.logbook import MetricsLog, read_metrics
from core.runs import Run
from core.searches import Search, SearchWorker
from core.searching.journal import open_study, sampler_of
from core.searching.report import report
from core.searching.validation import ValidationTail, kept_value
from core.work import StopRequest
from core.workspace import home

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two reports while a trial is at work."""

HOPELESS = 5
"""When so many trials have failed and none has not, the search ends: it is not the settings."""


class Searcher:
    """Works on a search until no trial is left to begin."""

    def __init__(self, worker: SearchWorker) -> None:
        self.worker, self.search, self.config = worker, worker.search, worker.search.config
        self.stop = StopRequest()
        worker.forget_failure()
        self.lock = self.search.lock("claim")
        self._published = -EVERY
        with self.lock:
            self.study = open_study(self.search)

    def work(self) -> None:
        """Trial after trial; then the best one's run goes through its other stages.

        Raises:
            Stopped: it was asked for; the trial under way waits for the next worker.
            RunError: all trials failed, or the best one's run does.
        """
        while True:
            self.stop.check()
            self.publish()
            trial = self._claim()
            if trial is None:
                break
            self._try(trial)
        self._finish()

    def publish(self, every: float = 0.0) -> None:
        """Write down, for readers without optuna, how the trials stand, where it is ``every`` seconds old."""
        if time.monotonic() - self._published >= every:
            with self.lock:
                report(self.study, self.search)
            self._published = time.monotonic()

    def _claim(self) -> optuna.Trial | None:
        """A trial whose worker is gone, else a new one; None when there are as many as asked for."""
        with self.lock:
            trials = self.study.get_trials(deepcopy=False)
            own = next((one for one in trials if one.state == TrialState.RUNNING and self._orphaned(one)), None)
            if own is None and len(trials) >= self._asked_for():
                return None
            self._check_hope(trials)
            self.study.sampler = sampler_of(self.config, len(trials) if own is None else own.number)
            # one that was left halfway is the same trial again, with its number, its settings and its run
            trial = self.study.ask() if own is None else optuna.Trial(self.study, own._trial_id)
            trial.set_user_attr("worker", self.worker.id)
            for dimension in self.config.space:
                _suggest(trial, dimension)
            return trial

    def _asked_for(self) -> int:
        """How many trials are wanted by now: more can be asked for while it is at work."""
        return Search(self.search.folder).config.trials

    def _orphaned(self, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether nobody works on a running trial: this worker claims only when it has none, and whoever claimed
        without signing is gone, because the lock is held while that is done."""
        worker = trial.user_attrs.get("worker", self.worker.id)
        return bool(worker == self.worker.id) or worker not in {one.id for one in self.search.running()}

    def _check_hope(self, trials: list[optuna.trial.FrozenTrial]) -> None:
        ended = [one for one in trials if one.state.is_finished()]
        if len(ended) >= HOPELESS and all(one.state == TrialState.FAIL for one in ended):
            raise RunError(
                f"All of the first {len(ended)} trials failed, so it is hardly their settings; the last one: "
                f"{ended[-1].user_attrs.get('reason', 'it did not say why')}"
            )

    def _try(self, trial: optuna.Trial) -> None:
        """Have a trial's run carried out, and tell optuna how it ended."""
        try:
            run = self._run_of(trial)
        except (ConfigError, StudyError) as error:
            self._tell(trial, TrialState.FAIL, str(error))
            return
        log.info("trial %d: run %s, %s", trial.number, run.id[:8], _words(trial.params))
        self.publish()
        watch = Watch(self, trial, run)
        state = run.state()
        # one whose worker was killed may have ended since
        if state.busy or not (run.has("train") or watch.pruned):
            state = carry_out(run, self.stop, stage="train", watch=watch)
        self._judge(trial, run, state, watch)

    def _run_of(self, trial: optuna.Trial) -> Run:
        """The trial's run; its id is noted before its folder is made, so that no crash makes a second one."""
        run_id = trial.user_attrs.get("run")
        if run_id is None:
            run_id = str(uuid.uuid4())
            trial.set_user_attr("run", run_id)
        run = Run(home() / "runs" / run_id)
        if (run.folder / "config.json").is_file():
            return run
        return new_run(self.config.trial(trial.number, trial.params), run_id)

    def _judge(self, trial: optuna.Trial, run: Run, state: JobState, watch: Watch) -> None:
        watch(run)
        if run.has("train"):
            value = kept_value(run.folder / "metrics.jsonl", run.config, self.config.judged)
            if value is None:
                self._tell(trial, TrialState.FAIL, f"Its run has no {JUDGED[self.config.judged]}.")
            else:
                self._tell(trial, TrialState.COMPLETE, "", value)
        elif watch.pruned:
            self._tell(trial, TrialState.PRUNED, watch.pruned)
            _note(run, f"Pruned by the search {self.search.id}: {watch.pruned}")
        elif state.stopped:
            self._tell(trial, TrialState.FAIL, "Its run was stopped by hand.")
        else:
            self._tell(trial, TrialState.FAIL, run.failure() or f"Its run {state.words}.")

    def _tell(self, trial: optuna.Trial, state: TrialState, reason: str, value: float | None = None) -> None:
        trial.set_user_attr("reason", reason)
        self.study.tell(trial, value, state)
        told = f"{value:.4f} {JUDGED[self.config.judged]}" if value is not None else f"{state.name.lower()}: {reason}"
        log.info("trial %d: %s", trial.number, told)

    def _finish(self) -> None:
        """The best trial's run goes through all stages; whichever worker is last sees to it."""
        with self.lock:
            trials = self.study.get_trials(deepcopy=False)
        if any(one.state == TrialState.RUNNING for one in trials):
            return  # another worker is at it, and finds nothing left after that
        with contextlib.suppress(Timeout), self.search.lock("finish", wait=0):
            if Search(self.search.folder).finished():
                return
            best = self.search.best()
            if best is None or best.run is None:
                raise RunError("No trial went to its end, so there is no best one; the reasons stand beside each.")
            run = Run(home() / "runs" / best.run)
            if not run.whole:
                log.info("trial %d is the best: its run %s goes through all stages", best.number, run.id[:8])
                state = carry_out(run, self.stop)
                if not state.done:
                    told = run.failure() or f"it {state.words}"
                    raise RunError(f"The run of the best trial, {run.id[:8]}, did not get through all stages: {told}")
            self.search.finish(len(trials), best)
            self.publish()


class Watch:
    """Reports a run's epochs to optuna while it is at work, and has it stopped where the trial is pruned."""

    def __init__(self, searcher: Searcher, trial: optuna.Trial, run: Run) -> None:
        self.searcher, self.trial = searcher, trial
        self.tail = ValidationTail(run.folder / "metrics.jsonl", searcher.config.judged)
        known = searcher.study.get_trials(deepcopy=False)[trial.number]
        self.reported = set(known.intermediate_values)
        self.pruned: str = known.user_attrs.get("pruned", "")
        self.epochs = run.config.training.epochs
        self._asked = False

    def __call__(self, run: Run) -> None:
        for epoch, value in self.tail.new():
            if epoch in self.reported:  # a run that goes on from a checkpoint makes some epochs again
                continue
            self.reported.add(epoch)
            self.trial.report(value, epoch)
            self.searcher.publish(EVERY)
            if not self.pruned and epoch < self.epochs and self.trial.should_prune():
                better = "higher" if self.searcher.config.maximised else "lower"
                self.pruned = f"after epoch {epoch} of {self.epochs}, at {value:.4f}: others were {better} by then."
                self.trial.set_user_attr("pruned", self.pruned)
        if self.pruned and not self._asked:
            self._asked = run.stop()


def _suggest(trial: optuna.Trial, dimension: Dimension) -> Value:
    """A value for a setting; the one that a trial has already stays."""
    path, low, high = dimension.path, dimension.low or 0.0, dimension.high or 0.0
    if dimension.kind == "choice":
        found: Value = trial.suggest_categorical(path, dimension.choices)
        return found
    if dimension.kind == "int":
        return trial.suggest_int(path, int(low), int(high))
    return trial.suggest_float(path, low, high, log=dimension.kind == "log")


def _note(run: Run, text: str) -> None:
    """Leave a sentence where the Curves view shows it; the run's process has ended, so nobody else writes there."""
    last = max((row.get("step", 0) for row in read_metrics(run.folder / "metrics.jsonl")), default=0)
    metrics = MetricsLog(run.folder, keep_up_to=last)
    metrics.write({"note": text})
    metrics.close()


def _words(parameters: dict[str, Value]) -> str:
    return ", ".join(f"{path} {value:.4g}" if isinstance(value, float) else f"{path} {value}"
                     for path, value in parameters.items())  # fmt: skip
