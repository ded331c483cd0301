"""A sentence asked for is embedded as the embed stage would have done it, without images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.asking.text_side import TextSide
from core.embedding import prompt_texts
from core.errors import ArtefactError, StudyError
from core.runs import Run
from core.towers import lite
from tests.odd import all_stages, one_process, own_towers, quick
from tests.tiny import tiny_study


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    with one_process():
        yield


@pytest.fixture
def no_image_tower(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Called once the run is made: whoever loads an image tower from then on fails."""
    return lambda: monkeypatch.setattr(lite, "LiteImage", lambda config: pytest.fail("the image tower was loaded"))


def same_as_embedded(run: Run) -> None:
    """Each radiograph's own text, as it was embedded in a batch of many, and as it is embedded alone."""
    from core.studies.study import Study

    study, side, texts = Study.load("tiny"), TextSide.load(run), run.embeddings("texts")
    written = dict(zip(study.samples["id"], study.samples["text"], strict=True))
    for name, vector in list(zip(texts.ids, texts.vectors, strict=True))[:6]:
        own = side.embed(written[name])
        assert own.shape == vector.shape and own.dtype == np.float32
        assert np.abs(own - vector).max() < 1e-6


@pytest.mark.parametrize("preset", ["contrastive", "zero-shot", "linear"])
def test_as_the_embed_stage_does_it(workspace: Path, preset: str, no_image_tower: Any) -> None:
    tiny_study(counts=(20, 6, 6), text=True)
    run = all_stages(quick(preset))
    no_image_tower()
    same_as_embedded(run)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["last-blocks", "lora"])
def test_a_text_tower_that_learned(workspace: Path, what: str) -> None:
    tiny_study(counts=(12, 4, 4), text=True)
    config = quick("contrastive", epochs=1)
    tuning = config.tuning.replace(text=what, blocks=1, lora_rank=2, learning_rate=1e-2)
    with own_towers():
        run = all_stages(config.replace(tuning=tuning))
    same_as_embedded(run)
    frozen = all_stages(config)
    assert np.abs(TextSide.load(run).embed("a mass") - TextSide.load(frozen).embed("a mass")).max() > 1e-3


def test_own_prompts_of_a_module_that_knows_nothing_else(workspace: Path) -> None:
    """A disease-tokens head: each disease's prompt lands nearer to that disease than to any other."""
    tiny_study(counts=(40, 12, 12))
    run = all_stages(quick("orthogonal", epochs=30))
    side, prompts = TextSide.load(run), run.embeddings("prompts")
    for at, texts in enumerate(prompt_texts(run.config.prompts.positive, prompts.ids)):
        for text in texts:
            assert int((prompts.vectors @ side.embed(text)).argmax()) == at, text


def test_an_untrained_run_and_another_study_are_refused(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    with pytest.raises(ArtefactError, match="never finished"):
        TextSide.load(Run.create(quick("linear")))
    run = all_stages(quick("zero-shot"))
    tiny_study(counts=(12, 4, 4), seed=1)
    with pytest.raises(StudyError, match="changed since"):
        TextSide.load(run)
