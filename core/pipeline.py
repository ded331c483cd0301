"""The stages of a run, each of which can also be run alone: study, features, train, embed, evaluate, project."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save

from core.batches import TrainingData
from core.demands import check_study
from core.devices import best_device, describe
from core.embedding import Captions, PromptFeatures, caption_features, embed, prompt_features
from core.encoders import Encoder, load_encoder
from core.errors import RunError
from core.features import image_features
from core.files import read_json, replacing, stamp, verify, write_json
from core.heads import Head, build_head
from core.losses.base import Situation
from core.losses.objective import Objective
from core.metrics.results import to_json
from core.runs import MANIFESTS, MetricsLog, Run, identity
from core.studies.hierarchy import path_similarity
from core.studies.study import Study, study_names
from core.training import StepMetrics, Trainer, seed_everything
from core.work import ProgressFile, StopRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The frozen half of a run: towers, and what they make of the study."""

    study: Study
    encoder: Encoder
    images: NDArray[np.float32]
    prompts: PromptFeatures
    captions: Captions


class Pipeline:
    """Runs the stages of one run in one process."""

    def __init__(self, run: Run) -> None:
        self.run, self.config = run, run.config
        self.progress = ProgressFile(run.folder)
        self.stop = StopRequest()
        self._prepared: Prepared | None = None
        run.forget_failure()

    def all_stages(self) -> None:
        """Everything that is not done yet, in order; ends where a stage was left before."""
        for stage in MANIFESTS:
            if not self.run.has(stage):
                getattr(self, stage)()

    def study(self) -> Study:
        """The study of the run; the demo study is built where it is missing.

        Raises:
            StudyError: there is no such study, or it changed since the run began.
        """
        if self.config.study == "demo" and "demo" not in study_names():
            from core.studies.demo.build import build_demo

            with self.progress.stage("study", "radiographs") as tell:
                study = build_demo(progress=self._telling(tell))
        else:
            study = Study.load(self.config.study)
        self._remember_study(study)
        return study

    def prepare(self) -> Prepared:
        """Study, towers and features; the towers see each radiograph once, ever.

        Raises:
            StudyError: the run wants something of its study that is not there; asked before the towers see anything.
        """
        if self._prepared is None:
            study = self.study()
            check_study(self.config, study)
            log.info("study %s: %d radiographs; encoder %s", study.name, len(study), self.config.encoder.key)
            with self.progress.stage("features", "radiographs") as tell:
                encoder = load_encoder(self.config.encoder, best_device())
                log.info("device: %s, precision %s", describe(encoder.device), encoder.precision)
                self._prepared = Prepared(
                    study=study,
                    encoder=encoder,
                    images=image_features(encoder, study, self._telling(tell)),
                    prompts=prompt_features(encoder, self.config.prompts, study.findings),
                    captions=caption_features(encoder, study),
                )
        return self._prepared

    def train(self) -> None:
        """Train the head (a zero-shot run has none to train) and write it to ``checkpoints/head``."""
        ready = self.prepare()
        head = self._new_head(ready)
        if self.config.losses:
            with self.progress.stage("train") as tell:
                self._train(head, ready, tell)
        elif self.config.head.kind != "none":
            log.warning("This run trains nothing: its head stays as it was initialised.")
        self._save_head(head)

    def embed(self) -> None:
        """Embed all splits with the trained head."""
        self._needs("train")
        ready = self.prepare()
        head = self._load_head(ready)
        with self.progress.stage("embed", "radiographs") as tell:
            embed(
                head,
                ready.study,
                ready.images,
                ready.prompts,
                ready.captions,
                self.run.folder / "embeddings",
                made_by={
                    "run": self.run.id,
                    "weights": [ready.encoder.image_weights, ready.encoder.text_weights],
                    "study": ready.study.fingerprint,
                },
                progress=self._telling(tell),
            )

    def evaluate(self) -> dict[str, Any]:
        """Judge the test split; needs embeddings."""
        from core.evaluation import evaluate_run

        self._needs("embed")
        with self.progress.stage("evaluate"):
            return evaluate_run(self.run, self.study())

    def project(self) -> None:
        """Draw the map; needs embeddings."""
        from core.projection import project_run

        self._needs("embed")
        self.stop.check()
        with self.progress.stage("project"):
            project_run(self.run, self.study())

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
        if not (self.run.folder / "study.json").exists():
            write_json(self.run.folder / "study.json", identity(study))

    def _new_head(self, ready: Prepared) -> Head:
        seed_everything(self.config.seed)
        frozen = self.config.head.kind == "none"
        head = build_head(
            self.config.head,
            image_width=ready.encoder.image_width,
            prompts=ready.prompts.positive,
            temperature=1 / ready.encoder.logit_scale if frozen else self.config.objective.temperature,
            learn_temperature=self.config.objective.learn_temperature,
        ).to(ready.encoder.device)
        if not frozen and len(rows := ready.study.rows("train")):
            of_training = (torch.from_numpy(values[rows]) for values in (ready.images, ready.study.labels))
            head.fit_statistics(*(part.to(ready.encoder.device) for part in of_training))
        return head

    def _train(self, head: Head, ready: Prepared, tell: Any) -> None:
        data = training_data(ready)
        objective = Objective(self.config.objective).to(ready.encoder.device)
        trainer = Trainer(
            head,
            objective,
            data,
            self.config.training,
            seed=self.config.seed,
            folder=self.run.folder / "checkpoints",
        )
        resumed = trainer.resume()
        if resumed:
            log.info("resumed at step %d of %d", resumed, trainer.total_steps)
        if trainer.note:
            log.info(trainer.note)
        metrics = MetricsLog(self.run.folder, keep_up_to=resumed)
        try:
            if not resumed:
                found = references(head, objective, data, self.config.training.batch_size)
                metrics.write({"references": found, **({"note": trainer.note} if trainer.note else {})})
            self._follow(trainer, metrics, tell)
        finally:
            metrics.close()
        trainer.finish()

    def _follow(self, trainer: Trainer, metrics: MetricsLog, tell: Any) -> None:
        """Write every step down as it happens; save now and then, at the end, and when asked to stop."""
        saved = trainer.elapsed
        for step in trainer.steps():
            metrics.write({key: value for key, value in asdict(step).items() if value != {}})
            tell(step.step, trainer.total_steps)
            _report(step, trainer.total_steps)
            last = step.step == trainer.total_steps
            if last or self.stop.asked or step.elapsed - saved >= self.config.training.checkpoint_every:
                trainer.save()
                saved = step.elapsed
            if not last:
                self.stop.check()

    def _save_head(self, head: Head) -> None:
        path = self.run.folder / "checkpoints" / "head.safetensors"
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as stream:
            stream.write(save({name: value.cpu().contiguous() for name, value in head.state_dict().items()}))
        write_json(path.with_suffix(".json"), {"head": self.config.head.to_json(), "file": stamp(path)})

    def _load_head(self, ready: Prepared) -> Head:
        head = self._new_head(ready)
        path = self.run.folder / "checkpoints" / "head.safetensors"
        verify(path, read_json(path.with_suffix(".json"))["file"])
        head.load_state_dict(load_file(path))
        return head


def _report(step: StepMetrics, total: int) -> None:
    if step.validation or step.step == total:
        scores = "".join(f"  validation {name} {value:.3f}" for name, value in step.validation.items())
        log.info("step %d/%d  epoch %.0f  loss %.4f%s", step.step, total, step.epoch, step.loss, scores)


def training_data(ready: Prepared) -> TrainingData:
    """Cached features of train and validation on the encoder's device."""
    device = ready.encoder.device
    train, val = ready.study.rows("train"), ready.study.rows("val")
    nearness = path_similarity(ready.study.findings)

    def of(values: NDArray[np.float32], rows: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(values[rows].copy()).to(device)

    return TrainingData(
        features=of(ready.images, train),
        labels=of(ready.study.labels, train),
        captions=ready.captions.features,
        caption_of=ready.captions.of_sample[torch.from_numpy(train).to(device)],
        prompts=ready.prompts.positive,
        negatives=ready.prompts.negative,
        val_features=of(ready.images, val),
        val_labels=of(ready.study.labels, val),
        val_caption_of=ready.captions.of_sample[torch.from_numpy(val).to(device)],
        nearness=None if nearness is None else torch.from_numpy(nearness).to(device),
    )


@torch.no_grad()
def references(head: Head, objective: Objective, data: TrainingData, batch_size: int) -> dict[str, Any]:
    """Chance level and floor (None where unknown) of each loss of this run, for the reference lines on its curves."""
    head.eval()
    output = head.images(data.features[:1])
    situation = Situation(
        labels=data.labels,
        text_of=data.caption_of,
        batch=batch_size,
        width=output.embedding.shape[-1],
        tokens=output.tokens is not None,
    )
    found = objective.references(situation)
    return {name: to_json(reference) for name, reference in found.items()}
