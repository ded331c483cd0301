"""Augmentation in the Train view: off unless asked for, shown on a radiograph of the study, part of the run."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.augmentation.arrays import augmented
from core.augmentation.drawing import draw
from core.config.augmentation import AugmentationConfig
from core.errors import ConfigError
from core.pictures.augmentation import preview
from core.runs import Run
from core.studies.study import Study
from tests.components import figures, plots
from tests.test_augmentation import ALL
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

KEY = "settings-orthogonal"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a study, and one that has no training split."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("FLUOROSCOPE_HOME", str(folder))
        tiny_study("tiny")
        tiny_study("tested", counts=(0, 6, 6))
        yield folder


@pytest.fixture
def at(home: Path) -> AppTest:
    return opened("train", **{"train-study": "tiny"})


def set_to(at: AppTest, **values: str) -> AppTest:
    for name, value in values.items():
        at.text_input(key=f"{KEY}.augmentation.{name}").set_value(value)
    return at.run()


def pictures(at: AppTest) -> list[np.ndarray]:
    sources = [trace["source"] for trace in figures(at)[0]["data"] if trace["type"] == "image"]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))) for source in sources]


class TestPreview:
    def test_it_is_what_the_run_is_trained_on(self, home: Path) -> None:
        study = Study.load("tiny")
        config = ALL.replace(mixup=0)
        shown = preview(study, config, 5, seed=3, turns=range(2, 4))
        assert shown.titles == ["original", "view 3", "view 4"]
        assert np.array_equal(shown.pictures[0], study.images[5])
        for number, turn in enumerate((2, 3), 1):
            draws = draw(config, [5], seed=3, turn=turn)
            assert np.array_equal(shown.pictures[number], augmented(study.images[[5]], draws)[0])
            assert shown.done[number] == draws.words(0)
        assert "view 4: crop" in shown.alt and "original: r005" in shown.alt

    def test_mixup_shows_another_of_the_training_split(self, home: Path) -> None:
        study = Study.load("tiny")
        shown = preview(study, AugmentationConfig(mixup=1.0), 5, seed=0, turns=range(8))
        train = study.images[study.rows("train")].astype(np.float32)
        for picture, words in zip(shown.pictures[1:], shown.done[1:], strict=True):
            assert len(words) == 1 and words[0].endswith(" % of another")
            other = int(words[0].split()[0]) / 100
            mixed = (1 - other) * train[5] + other * train
            assert np.abs(mixed - picture).max((1, 2)).min() < 3  # the words say whole per cents

    def test_nothing_is_done_to_some(self, home: Path) -> None:
        config = AugmentationConfig(cutout=0.3, cutout_probability=0.5)
        shown = preview(Study.load("tiny"), config, 0, seed=0, turns=range(12))
        assert {words[0] for words in shown.done[1:]} == {"as it is", "cut-out 0.30"}


class TestTheForm:
    def test_off_by_default(self, at: AppTest) -> None:
        assert not at.exception and not at.error and not figures(at)
        assert "Augmentation" in [one.label for one in at.expander] and "Off: radiographs" in texts(at)
        named = [one.key for one in at.text_input if one.key and ".augmentation." in one.key]
        assert len(named) == len(set(named)) == 11  # all but the number of views, once each

    def test_the_preview_follows_the_form(self, at: AppTest) -> None:
        set_to(at, noise="6")
        assert not at.exception and not at.error
        assert plots(at)[0]["alt"].startswith("A radiograph and what augmentation makes of it. original: r000")
        first = pictures(at)
        study = Study.load("tiny")
        assert len(first) == 4 and np.array_equal(first[0], study.images[0])
        assert all(0 < np.abs(one.astype(float) - first[0]).max() < 40 for one in first[1:])
        set_to(at, noise="0", brightness="30")
        assert "brightness" in plots(at)[0]["alt"] and "noise" not in plots(at)[0]["alt"]
        set_to(at, brightness="0")
        assert not figures(at)

    def test_another_radiograph_and_other_views(self, at: AppTest) -> None:
        set_to(at, rotation="10")
        before, study = pictures(at), Study.load("tiny")
        at.number_input(key=f"{KEY}.view").set_value(2).run()
        assert all(np.array_equal(a, b) for a, b in zip(pictures(at)[1:3], before[2:], strict=True))
        at.number_input(key=f"{KEY}.preview-tiny").set_value(8).run()
        assert np.array_equal(pictures(at)[0], study.images[study.rows("train")[7]])
        at.number_input(key=f"{KEY}.seed").set_value(1).run()
        assert not at.exception and "seed 1" in texts(at)

    def test_a_run_is_launched_with_it(self, at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[Run] = []
        monkeypatch.setattr(Run, "start", lambda run, stage=None: made.append(run))
        set_to(at, crop="0.8", mixup="0.2")
        at.number_input(key=f"{KEY}.augmentation.views").set_value(3)
        next(button for button in at.button if button.label == "Launch").click().run()
        assert [run.config.augmentation for run in made] == [AugmentationConfig(crop=0.8, mixup=0.2, views=3)]

    def test_what_is_not_allowed_is_named(self, at: AppTest) -> None:
        set_to(at, crop="1.5")
        assert "crop is 1.5" in at.error[0].value.replace("\\", "") and not figures(at)
        assert next(button for button in at.button if button.label == "Launch").disabled
        with pytest.raises(ConfigError):
            AugmentationConfig(crop=1.5)

    @pytest.mark.parametrize(("study", "words"), [("demo", "not built yet"), ("tested", "no training split")])
    def test_without_radiographs_it_says_so(self, home: Path, study: str, words: str) -> None:
        at = set_to(opened("train", **{"train-study": study}), noise="5")
        assert not at.exception and not figures(at)
        assert words in texts(at)
