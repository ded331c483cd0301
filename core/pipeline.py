"""The stages of a run, each of which can also be run alone: study, features, train, embed, evaluate, project."""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from core.cards.fitting import load_model
from core.cards.keeping import is_model, kept
from core.demands import check_study
from core.embedding import embed
from core.errors import RunError, Stopped
from core.files import read_json, replacing, stamp, verify, write_json
from core.heads import Head
from core.keeping import Keeper
from core.losses.objective import Objective
from core.mirrors import check_mirrors
from core.observing import Observer
from core.parallel import any_of, together, told, world
from core.preparing import Prepared, learned_features, new_head, prepare, references, training_data
from core.runs import MANIFESTS, Run, identity
from core.studies.study import Study, study_names
from core.training import Trainer
from core.tuning import Tuning, learned_state, load_learned
from core.work import ProgressFile, StopRequest

log = logging.getLogger(__name__)


class Pipeline:
    """Runs the stages of one run, in one process or in all of :mod:`core.parallel`, of which the first one writes."""

    def __init__(self, run: Run) -> None:
        self.run, self.config = run, run.config
        self.world = world()
        self.progress = ProgressFile(run.folder, silent=not self.world.first)
        self.stop = StopRequest()
        self._prepared: Prepared | None = None
        run.forget_failure()

    def all_stages(self) -> None:
        """Everything that is not done yet, in order; ends where a stage was left before."""
        for stage in told([stage for stage in MANIFESTS if not self.run.has(stage)]):
            getattr(self, stage)()

    def study(self) -> Study:
        """The study of the run; the demo study is built where it is missing.

        Raises:
            StudyError: there is no such study, or it changed since the run began.
        """
        if self.config.study == "demo" and self.world.first and "demo" not in study_names():
            from core.studies.demo.build import build_demo

            with self.progress.stage("study", "radiographs") as tell:
                build_demo(progress=self._telling(tell))
        together()
        return self._own_study()

    def _own_study(self) -> Study:
        study = Study.load(self.config.study).asked_for(self.config.findings)
        self._remember_study(study)
        return study

    def prepare(self) -> Prepared:
        """Study, towers, and what frozen towers make of the study.

        Raises:
            StudyError: the run wants something of its study that is not there; asked before the towers see anything.
        """
        if self._prepared is None:
            study = self.study()
            check_study(self.config, study)
            with self.progress.stage("features", "radiographs") as tell:
                self._prepared = prepare(self.config, study, self._telling(tell))
        return self._prepared

    def train(self) -> None:
        """Train the head and what of the towers learns (a zero-shot run has nothing to train), and write that to
        ``checkpoints/head``."""
        check_mirrors(self.config.mirrors)  # before the towers see anything
        ready = self.prepare()
        head, tuning = new_head(ready), ready.tuning
        if self.config.start_from:
            begin_with(self.config.start_from, ready, head)
        if self.config.losses:
            with self.progress.stage("train") as tell:
                self._train(head, tuning, ready, tell)
        elif self.config.head.kind != "none" and not self.config.start_from:
            log.warning("This run trains nothing: its head stays as it was initialised.")
        if self.world.first:
            self._save(head, tuning)
        together()

    def embed(self) -> None:
        """Embed all splits with what was learned."""
        self._needs("train")
        ready = self.prepare()
        head = self._load(ready)
        with self.progress.stage("embed", "radiographs") as tell:
            features = learned_features(ready, self._telling(tell))
            together()
            if not self.world.first:
                return
            encoder = ready.encoder
            embed(
                head,
                ready.study,
                features,
                ready.captions,
                self.run.folder / "embeddings",
                frozen_prompts=ready.prompts.positive,
                made_by={
                    "run": self.run.id,
                    "weights": [encoder.image_weights, encoder.text_weights],
                    "study": ready.study.fingerprint,
                },
                progress=self._telling(tell),
            )

    def evaluate(self) -> None:
        """Judge the test split; needs embeddings."""
        from core.evaluation import evaluate_run

        if not self.world.first:
            return
        self._needs("embed")
        with self.progress.stage("evaluate"):
            evaluate_run(self.run, self._own_study())

    def project(self) -> None:
        """Draw the map; needs embeddings."""
        from core.maps.of_run import project_run
        from core.maps.through_training import project_snapshots

        if not self.world.first:
            return
        self._needs("embed")
        self.stop.check()
        with self.progress.stage("project", "steps") as tell:
            study = self._own_study()
            project_run(self.run, study, self._telling(tell))
            project_snapshots(self.run, study)

    def _needs(self, stage: str) -> None:
        if not self.run.has(stage):
            raise RunError(
                f"Run {self.run.id[:8]} has no {stage} stage yet: `python -m scripts.{stage} {self.run.id[:8]}`."
            )

    def _telling(self, tell: Any) -> Any:
        """Report progress, and stop between two batches when asked to."""

        def both(done: int, total: int) -> None:
            tell(done, total)
            self.stop.check()

        return both

    def _remember_study(self, study: Study) -> None:
        """The run's folder names the study's content; a study that changed under a run is refused."""
        self.run.check_is_of(study)
        if self.world.first and not (self.run.folder / "study.json").exists():
            write_json(self.run.folder / "study.json", identity(study))

    def _train(self, head: Head, tuning: Tuning, ready: Prepared, tell: Any) -> None:
        data = training_data(ready)
        objective = Objective(self.config.objective).to(ready.encoder.device)
        trainer = Trainer(
            head,
            objective,
            data,
            self.config.training,
            seed=self.config.seed,
            folder=self.run.folder / "checkpoints",
            tuning=tuning,
        )
        resumed = trainer.resume()
        if resumed:
            log.info("resumed at step %d of %d", resumed, trainer.total_steps)
        if trainer.note:
            log.info(trainer.note)
        keeper = Keeper(self.run, ready, head, steps_per_epoch=trainer.steps_per_epoch, resumed=resumed)
        found = {} if resumed else references(head, objective, data, self.config.training.batch_size)
        with Observer(self.run, ready, resumed) if self.world.first else nullcontext() as observer:
            if observer and not resumed:
                observer.begin(found, trainer.note)
            try:
                keeper.at(resumed, self._interrupting())
                self._follow(trainer, observer, keeper, tell)
            finally:
                trainer.checkpoints.wait()
        trainer.finish()

    def _interrupting(self) -> Any:
        """Ends a snapshot under way when a stop is asked for; not where other processes would wait for this one."""
        return None if self.world.size > 1 else lambda _done, _total: self.stop.check()

    def _follow(self, trainer: Trainer, observer: Observer | None, keeper: Keeper, tell: Any) -> None:
        """Write every step down as it happens; save now and then, at the end, and when asked to stop."""
        saved, every = trainer.elapsed, self.config.training.checkpoint_every
        for step in trainer.steps():
            if observer:
                observer.step(step, trainer)
                tell(step.step, trainer.total_steps)
                trainer.checkpoints.raise_failed()
            with suppress(Stopped):  # this step is saved below, and whoever goes on from it makes the snapshot first
                keeper.at(step.step, self._interrupting())
            stop, last = any_of(self.stop.asked, trainer.device), step.step == trainer.total_steps
            due = step.elapsed - saved >= every and not trainer.checkpoints.busy
            if observer and (last or stop or due):
                observer.hurry = stop
                trainer.save(wait=last or stop)
                saved = step.elapsed
            if stop and not last:
                raise Stopped

    def _save(self, head: Head, tuning: Tuning) -> None:
        path = self.run.folder / "checkpoints" / "head.safetensors"
        path.parent.mkdir(exist_ok=True)
        state = learned_state(head, tuning)
        with replacing(path) as stream:
            stream.write(save({name: value.cpu().contiguous() for name, value in state.items()}))
        write_json(path.with_suffix(".json"), {"head": self.config.head.to_json(), "file": stamp(path)})

    def _load(self, ready: Prepared) -> Head:
        head, tuning = new_head(ready), ready.tuning
        load_weights(self.run, head, tuning)
        tuning.eval()
        return head


def begin_with(source: str, ready: Prepared, head: Head) -> None:
    """Put what ``start_from`` names, a run or a kept model, into a head and towers of the same form.

    Raises:
        RunError, ArtefactError: it is not there, does not fit, or was altered.
    """
    if is_model(source):
        load_model(kept(source), ready.encoder, head, ready.tuning)
    else:
        load_weights(Run.load(source), head, ready.tuning)


def load_weights(run: Run, head: Head, tuning: Tuning) -> None:
    """Put what a run has learned into a head and towers of the same form.

    Raises:
        ArtefactError: it has not been trained yet, or the file is torn or altered.
    """
    load_learned(head, tuning, learned_weights(run))


def learned_weights(run: Run) -> dict[str, Tensor]:
    """All that a run has learned, as :func:`core.tuning.learned_state` gave it.

    Raises:
        ArtefactError: it has not been trained yet, or the file is torn or altered.
    """
    path = run.folder / "checkpoints" / "head.safetensors"
    verify(path, read_json(path.with_suffix(".json"))["file"])
    return load_file(path)
