"""Prompts and captions: template ensembles, and each distinct text embedded once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from core.config.encoders import ENCODERS
from core.config.run import PromptConfig
from core.embedding import caption_features, distinct_captions, prompt_features
from core.encoders import Encoder
from core.errors import ConfigError
from core.studies.study import Study
from core.towers.base import ImageTower, TextTower, Towers

WIDTH = 8
FINDINGS = ("Effusion", "Pleural_Thickening", "Mass")


class Words(Encoder):
    """A text tower without weights: each text has its own direction and length."""

    def __init__(self) -> None:
        towers = Towers(image=ImageTower(), text=TextTower())
        towers.image.width, towers.text.width = 1, WIDTH
        super().__init__(ENCODERS["lite"], towers, torch.device("cpu"))
        self.seen = cast(list[str], [])

    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> NDArray[np.float32]:
        self.seen += texts
        return np.stack([self.vector(text) for text in texts])

    @staticmethod
    def vector(text: str) -> NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        draw = np.random.default_rng(seed)
        return (draw.normal(size=WIDTH) * draw.uniform(0.1, 10)).astype(np.float32)


@pytest.mark.usefixtures("workspace")
class TestPrompts:
    config = PromptConfig(
        positive=("{finding}", "there is {finding}", "{finding} and {finding}"), negative=("no {finding}",)
    )

    def test_unit_vectors_are_averaged_then_normalised(self) -> None:
        found = prompt_features(Words(), self.config, FINDINGS)
        assert found.positive.shape == found.negative.shape == (3, WIDTH)
        for row, spoken in enumerate(("pleural effusion", "pleural thickening", "mass")):
            texts = (spoken, f"there is {spoken}", f"{spoken} and {spoken}")
            each = [v / np.linalg.norm(v) for v in map(Words.vector, texts)]
            mean = np.mean(each, axis=0)
            assert np.allclose(found.positive[row], mean / np.linalg.norm(mean), atol=1e-6)
            negative = Words.vector(f"no {spoken}")
            assert np.allclose(found.negative[row], negative / np.linalg.norm(negative), atol=1e-6)

    def test_braces_in_a_template_are_text(self) -> None:
        encoder = Words()
        prompt_features(encoder, PromptConfig(positive=("{x} {finding} {0}",), negative=("no {finding}",)), ("Mass",))
        assert encoder.seen[0] == "{x} mass {0}"

    @pytest.mark.parametrize("templates", [(), ("chest x-ray",), ("{finding}", "x"), ("{Finding}",), ("",)])
    def test_a_template_without_its_place(self, templates: tuple[str, ...]) -> None:
        for config in (
            PromptConfig(positive=templates, negative=("no {finding}",)),
            PromptConfig(positive=("{finding}",), negative=templates),
        ):
            with pytest.raises(ConfigError, match=r"needs \{finding\} in it"):
                prompt_features(Words(), config, FINDINGS)

    def test_the_second_time_they_come_from_the_cache(self) -> None:
        first, second = Words(), Words()
        a, b = (prompt_features(encoder, self.config, FINDINGS) for encoder in (first, second))
        assert first.seen and not second.seen
        assert torch.equal(a.positive, b.positive)
        third = Words()
        prompt_features(third, self.config, FINDINGS[::-1])  # the order is part of the key
        assert third.seen


def a_study(texts: list[Any], labels: list[list[float]]) -> Study:
    study = SimpleNamespace(
        samples=pd.DataFrame({"text": pd.Series(texts, dtype=object)}),
        labels=np.array(labels, np.float32),
        findings=FINDINGS,
    )
    return cast(Study, study)


@pytest.mark.usefixtures("workspace")
def test_each_distinct_text_is_embedded_once() -> None:
    encoder = Words()
    study = a_study(["same", None, "same", "other", None], [[0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 1]])
    found = distinct_captions(study, encoder.device)
    features = caption_features(encoder, found)
    assert encoder.seen == ["same", "a chest radiograph showing mass", "other"]
    assert found.of_sample.tolist() == [0, 1, 0, 2, 1] and found.of_sample.dtype == torch.int64
    for sample, text in enumerate(["same", "a chest radiograph showing mass", "same", "other"]):
        vector = features[found.of_sample[sample]]
        assert torch.equal(vector, torch.from_numpy(Words.vector(text)))


@pytest.mark.usefixtures("workspace")
def test_prompts_have_norm_one() -> None:
    found = prompt_features(Words(), PromptConfig(), FINDINGS)
    for vectors in (found.positive, found.negative):
        assert torch.allclose(F.normalize(vectors, dim=-1), vectors, atol=1e-6)
