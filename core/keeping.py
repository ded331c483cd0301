"""Snapshots are made while a run trains: nothing that is trained may notice."""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
from torch import Tensor

from core.embedding import BATCH, PromptFeatures, of_findings, paired_texts, prompt_features, unit
from core.features import fresh_image_features
from core.heads import Head
from core.metrics.sampling import stratified
from core.parallel import told, world
from core.preparing import Prepared
from core.runs import Run
from core.snapshots import MOST, forget_after, moments, snapshots_of, write_snapshot
from core.store import EmbeddingSet
from core.studies.study import Progress

log = logging.getLogger(__name__)


class Keeper:
    """Makes the snapshots of one training.

    Every process of it has one, because all of them pass over a tower that learns; the first one writes. Nothing is
    drawn at random and nothing learns: training with snapshots takes the very steps of training without them.

    Args:
        run: in whose folder they are kept.
        ready: study and towers.
        head: that learns.
        steps_per_epoch: of the training.
        resumed: the step that it goes on from; what lies beyond is made anew, what is there is not made again.
    """

    def __init__(self, run: Run, ready: Prepared, head: Head, *, steps_per_epoch: int, resumed: int) -> None:
        self.run, self.ready, self.head = run, ready, head
        if world().first:
            forget_after(run, resumed)
        there = told([one.step for one in snapshots_of(run)] if world().first else None)
        due = moments(run.config.training, steps_per_epoch)
        self.due = {step: epoch for step, epoch in due.items() if step >= resumed and step not in there}
        self.rows = stratified(ready.study.labels, MOST)

    def at(self, step: int, progress: Progress | None = None) -> None:
        """Make the snapshot of a step, where one is due.

        ``progress``: called between two batches; what it raises ends this snapshot, and nothing else.
        """
        if step not in self.due:
            return
        started = time.perf_counter()
        self.head.eval()
        self.ready.tuning.eval()
        sets = self._embedded(step, progress)
        if world().first:
            write_snapshot(self.run, step, float(self.due[step]), sets)
            seconds = time.perf_counter() - started
            log.info("snapshot of %d radiographs after step %d: %.1f s", len(self.rows), step, seconds)
        del self.due[step]

    @torch.no_grad()
    def _embedded(self, step: int, progress: Progress | None) -> dict[str, EmbeddingSet]:
        study, head = self.ready.study, self.head
        made_by = {"run": self.run.id, "study": study.fingerprint, "step": step, "epoch": self.due[step]}
        prompts = self._prompts()
        positive, negative = head.prompts(prompts.positive), head.prompts(prompts.negative)
        ids = study.samples["id"].to_numpy()[self.rows]
        texts, of_sample = self._texts()
        return {
            "images": EmbeddingSet(ids=ids.tolist(), vectors=self._images(progress), modality="image", made_by=made_by),
            "texts": paired_texts(head, ids, study.labels[self.rows], positive, texts, of_sample, made_by),
            "prompts": of_findings(study, positive, made_by),
            "negatives": of_findings(study, negative, made_by),
        }

    def _images(self, progress: Progress | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        ready, frozen = self.ready, self.ready.config.tuning.image == "nothing"
        made = (
            ready.images[self.rows]
            if frozen
            else fresh_image_features(ready.encoder, ready.study, progress, rows=self.rows)
        )
        parts = torch.from_numpy(made).to(ready.encoder.device).split(BATCH)
        return unit(torch.cat([self.head.images(part).embedding.float().cpu() for part in parts]))

    def _prompts(self) -> PromptFeatures:
        ready = self.ready
        if ready.config.tuning.text == "nothing":
            return ready.prompts
        return prompt_features(ready.encoder, ready.config.prompts, ready.study.findings, fresh=True)

    def _texts(self) -> tuple[Tensor, Tensor]:
        """(c, text_width) of the distinct texts of the rows, and (n,) whose is which; -1: none.

        A head that knows its prompts alone reads no text.
        """
        ready = self.ready
        codes = ready.captions.of_sample[torch.from_numpy(self.rows).to(ready.encoder.device)]
        own = codes[codes >= 0].unique() if self.head.caption_branch else codes[:0]
        of_sample = torch.where(codes >= 0, torch.searchsorted(own, codes), -1)
        if ready.config.tuning.text == "nothing":
            return ready.caption_features[own], of_sample
        made = ready.encoder.embed_texts([ready.captions.distinct[code] for code in own.tolist()])
        return torch.from_numpy(made).to(codes.device), of_sample
