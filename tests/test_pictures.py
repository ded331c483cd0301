"""The README's pictures: one of every view, small, in colours that stay as they are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from core.workspace import ROOT
from scripts.pictures_small import EXACT, LARGEST, small_png
from scripts.pictures_views import PICTURES, WITHOUT
from tests import readme

FOLDER = ROOT / "dashboard" / "pictures"


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def opened(made: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(made)).convert("RGB"))


def test_every_view_has_a_picture_or_a_reason() -> None:
    shown = {picture.view for picture in PICTURES}
    assert not shown & set(WITHOUT)
    assert set(readme.app_views()) == shown | set(WITHOUT)
    assert len({picture.name for picture in PICTURES}) == len(PICTURES)


def test_every_picture_is_there_small_and_in_the_readme() -> None:
    wanted = {f"{picture.name}.png" for picture in PICTURES}
    assert {path.name for path in FOLDER.iterdir()} == wanted
    assert {Path(link).name for link in readme.links() if link.startswith("dashboard/pictures/")} == wanted
    for path in FOLDER.iterdir():
        assert path.stat().st_size < LARGEST
        assert opened(path.read_bytes()).shape[1] > 900


def test_few_colours_stay_as_they_are() -> None:
    """A page with a grey ramp: what most pixels have is kept to the bit, the rest nearly."""
    page = np.full((400, 600, 3), 255)
    page[50:60] = 29, 39, 51
    page[100:356, 100:500] = np.arange(256)[:, None, None]
    page[360:370, :256] = np.stack([np.arange(256), np.full(256, 114), np.full(256, 178)], axis=1)
    found = opened(small_png(png(page)))
    assert (found[:40] == 255).all() and (found[55] == (29, 39, 51)).all()
    assert np.abs(found.astype(int) - page).max() <= 12


def test_up_to_so_many_colours_nothing_changes() -> None:
    page = np.random.default_rng(0).integers(0, 256, (EXACT, 3))[np.random.default_rng(1).integers(0, EXACT, (40, 40))]
    assert (opened(small_png(png(page))) == page).all()
