"""What a run wrote down of a batch, and the pictures that are made from it, against those that training used."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.augmentation.drawing import MixUp
from core.config.augmentation import AugmentationConfig
from core.config.objective import ObjectiveConfig
from core.config.presets import preset
from core.config.run import RunConfig
from core.config.tuning import TuningConfig
from core.encoders import as_pixels
from core.errors import ArtefactError, InputError
from core.inputs import LiveImages, Moment
from core.pictures.seen import Sheet, sheet
from core.seen import FILE, MOST, Seen, Window
from core.studies.study import Study
from core.towers.base import ImageTower, Recipe
from tests.tiny import tiny_study

MOVING = AugmentationConfig(rotation=12.0, crop=0.7, noise=8.0, contrast=0.3, cutout=0.3)
CPU = torch.device("cpu")


def config(augmentation: AugmentationConfig, *, image: str = "everything", **objective: float) -> RunConfig:
    base = preset("linear", study="tiny", encoder="lite")
    return base.replace(
        seed=5,
        augmentation=augmentation,
        tuning=TuningConfig(image=image),  # type: ignore[arg-type]
        objective=ObjectiveConfig(**objective) if objective else base.objective,
    )


@pytest.fixture
def study(workspace: Path) -> Study:
    return tiny_study(counts=(20, 4, 4), text=True)


def written(
    folder: Path, run: RunConfig, study: Study, places: list[int], epoch: int, mix: MixUp | None, side: int
) -> Seen:
    Window(folder, run, study.rows("train"), side).show(9, epoch, np.array(places), mix)
    return Seen.load(folder)


class Watched(ImageTower):
    """Keeps what it is given, as it is resized for it."""

    width = 1

    def __init__(self, side: int) -> None:
        super().__init__()
        self.recipe, self.given = Recipe(side=side, mean=(0.0,), std=(1 / 255,)), torch.zeros(0)

    def features(self, prepared: torch.Tensor) -> torch.Tensor:
        self.given = prepared[:, 0]
        return prepared.mean((1, 2, 3))[:, None]


def given(study: Study, run: RunConfig, places: list[int], moment: Moment, side: int) -> NDArray[np.float32]:
    """The grey levels that the tower really gets."""
    tower = Watched(side)
    images = LiveImages(tower, study.images, study.rows("train"), CPU, run.augmentation, run.seed)
    images(torch.tensor(places), moment)
    return tower.given.numpy()


@pytest.mark.parametrize("side", [64, 40, 96])
@pytest.mark.parametrize("augmentation", [AugmentationConfig(), MOVING], ids=["as they are", "changed"])
@pytest.mark.parametrize("share", [None, 0.7])
def test_the_pictures_are_those_that_enter_the_tower(
    study: Study, tmp_path: Path, augmentation: AugmentationConfig, side: int, share: float | None
) -> None:
    places = [7, 0, 19, 3]
    mix = None if share is None else MixUp(share, np.array([2, 1, 3, 0]))
    run = config(augmentation)
    shown = sheet(study, run, written(tmp_path, run, study, places, 3, mix, side))
    expected = given(study, run, places, Moment(3, 8, mix), side)
    assert np.abs(np.stack(shown.pictures) - expected).max() <= 0.55  # they are rounded
    assert shown.titles == [study.samples["id"].iloc[row] for row in study.rows("train")[places]]


def test_only_the_first_of_a_batch_are_written_down(study: Study, tmp_path: Path) -> None:
    places = list(range(19, -1, -1))
    found = written(tmp_path, config(MOVING), study, places, 1, None, 64)
    assert found.rows == study.rows("train")[places][:MOST].tolist() and found.batch == 20
    assert (found.step, found.epoch, found.turn, found.partners, found.share) == (9, 1, 1, [], 1.0)


def told(study: Study, folder: Path, run: RunConfig, mix: MixUp | None = None) -> Sheet:
    return sheet(study, run, written(folder, run, study, [1, 2, 3], 5, mix, 64))


def test_nothing_changed_is_said_plainly(study: Study, tmp_path: Path) -> None:
    shown = told(study, tmp_path, config(AugmentationConfig()))
    assert "Nothing is changed: augmentation is off." in shown.told and "frozen" not in shown.told
    assert all(lines[-1] == "as it is" for lines in shown.lines)
    rows = study.rows("train")[[1, 2, 3]]
    assert all(np.array_equal(one, study.images[row]) for one, row in zip(shown.pictures, rows, strict=True))


def test_a_frozen_tower_saw_them_before_and_mixes_features(study: Study, tmp_path: Path) -> None:
    mix = MixUp(0.75, np.array([1, 2, 0]))
    still = told(study, tmp_path, config(AugmentationConfig(mixup=1.0), image="nothing"), mix)
    assert "frozen: it saw each radiograph before training." in still.told and "MixUp mixes features" in still.told
    assert np.array_equal(still.pictures[0], study.images[study.rows("train")[1]])  # not mixed: it saw no mixture
    assert still.lines[0][-1] == "its features with 25 % of r002"
    views = told(study, tmp_path, config(MOVING.replace(views=2), image="nothing"))
    assert "in 2 views that the epochs take in turn; here is view 2." in views.told  # epoch 5, from 0


def test_what_a_mixture_is_made_of_is_said(study: Study, tmp_path: Path) -> None:
    shown = told(study, tmp_path, config(MOVING.replace(mixup=1.0)), MixUp(0.75, np.array([1, 2, 0])))
    assert "MixUp mixes two radiographs, 75 % to 25 %." in shown.told and "Nothing" not in shown.told
    assert "25 % of r002" in " ".join(shown.lines[0]) and "crop" in " ".join(shown.lines[0])
    plain = told(study, tmp_path, config(AugmentationConfig(mixup=1.0)), MixUp(0.75, np.array([1, 2, 0])))
    assert "Nothing is changed:" not in plain.told


def test_findings_and_text_stand_below_and_a_second_view_is_named(study: Study, tmp_path: Path) -> None:
    shown = told(study, tmp_path, config(MOVING, views=1.0))
    row = int(study.rows("train")[1])
    assert f"“report {row}: blobs”" in shown.lines[0]
    assert "this is the first" in shown.told


def test_a_batch_of_another_study_is_refused(study: Study, tmp_path: Path) -> None:
    run = config(MOVING)
    found = written(tmp_path, run, study, [1], 0, None, 64)
    (tmp_path / FILE).write_text(json.dumps({**json.loads((tmp_path / FILE).read_text()), "rows": [999]}))
    with pytest.raises(InputError, match="of another study"):
        sheet(study, run, Seen.load(tmp_path))
    assert found.rows != [999]


@pytest.mark.parametrize("content", ["[]", '{"step": 1}', "{", '{"more": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ArtefactError):
        Seen.load(tmp_path)


def test_it_is_written_at_most_every_few_seconds(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    window = Window(tmp_path, config(MOVING), study.rows("train"), 64, every=4.0)
    due = []
    for step in range(10):
        due.append(window.due)
        if window.due:
            window.show(step, 0, np.array([0]), None)
        now[0] += 1.0
    assert due == [True, False, False, False] * 2 + [True, False]
    assert Seen.load(tmp_path).step == 8


def test_as_pixels_is_what_the_tower_resizes() -> None:
    """The comparison above stands on it: grey levels are not scaled before they are resized."""
    assert as_pixels(np.full((1, 2, 2), 255, np.uint8), CPU).max() == 255
