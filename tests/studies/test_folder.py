"""A folder read once: names found again in every way that tables write them, and nothing outside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import StudyError
from core.studies.folder import MISSING, OUTSIDE, SEVERAL, UNNAMED, Folder, resolved


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pictures in two folders, a table beside them, and a secret outside."""
    root = tmp_path / "set"
    for name in ("a.png", "images/b.png", "images/17.jpg", "images/17.txt", "more/c.PNG", "more/x.png", "images/x.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / ".hidden").mkdir()
    (root / ".hidden/d.png").write_text("d")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/s.png").write_text("s")
    return root


def found(root: Path, name: object, within: str = "") -> str:
    """The file, or the reason why there is none."""
    (file,), (reason,) = Folder.read(root).locate([name], within=within)
    assert bool(file) != bool(reason)
    return file or str(reason)


def test_what_lies_in_it(root: Path) -> None:
    folder = Folder.read(root)
    assert sorted(folder.files) == [
        *("a.png", "images/17.jpg", "images/17.txt", "images/b.png", "images/x.png", "more/c.PNG", "more/x.png")
    ]
    assert folder.files["a.png"] == (5, (root / "a.png").stat().st_mtime_ns)
    assert folder.having(".png") == ["a.png", "images/b.png", "images/x.png", "more/c.PNG", "more/x.png"]
    assert folder.having(".jpg", ".txt") == ["images/17.jpg", "images/17.txt"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.png", "a.png"),
        (" a.png ", "a.png"),
        ("a", "a.png"),
        ("b", "images/b.png"),
        ("b.png", "images/b.png"),
        ("images/b.png", "images/b.png"),
        ("./images/b.png", "images/b.png"),
        ("images//b.png", "images/b.png"),
        ("images\\b.png", "images/b.png"),
        ("images/../a.png", "a.png"),
        ("set-v1.0/images/b.png", "images/b.png"),
        ("c", "more/c.PNG"),
        ("17", "images/17.jpg"),
        (17, "images/17.jpg"),
        ("17.txt", "images/17.txt"),
        ("images/x.png", "images/x.png"),
        ("x.png", SEVERAL),
        ("x", SEVERAL),
        ("y.png", MISSING),
        ("more/b.png", MISSING),
        ("d.png", MISSING),
        ("a.PNG", MISSING),
        ("images", MISSING),
        ("", UNNAMED),
        ("  ", UNNAMED),
        (None, UNNAMED),
        (float("nan"), UNNAMED),
        (pd.NA, UNNAMED),
        ("../secret/s.png", OUTSIDE),
        ("../set/a.png", OUTSIDE),
        ("images/../../secret/s.png", OUTSIDE),
        ("..\\secret\\s.png", OUTSIDE),
        ("..", OUTSIDE),
        ("/etc/passwd", OUTSIDE),
        ("//a.png", OUTSIDE),
        ("C:\\secret\\s.png", OUTSIDE),
        ("c:/a.png", OUTSIDE),
        ("a.png\0", MISSING),
    ],
)
def test_names(root: Path, name: object, file: str) -> None:
    assert found(root, name) == file


def test_paths_from_the_root_of_the_machine(root: Path) -> None:
    assert found(root, str(root / "images/b.png")) == "images/b.png"
    assert found(root, str(root.parent / "secret/s.png")) == OUTSIDE
    assert found(root, str(root / "../secret/s.png")) == OUTSIDE
    assert found(root, f"{root}-other/a.png") == OUTSIDE


def test_paths_relative_to_the_table(root: Path) -> None:
    assert found(root, "x.png", within="more") == "more/x.png"
    assert found(root, "../images/b.png", within="more") == "images/b.png"
    assert found(root, "../../secret/s.png", within="more") == OUTSIDE


def test_links(root: Path) -> None:
    secret = root.parent / "secret"
    (root / "s.png").symlink_to(secret / "s.png")
    (root / "images/t.png").symlink_to("../../secret/s.png")
    (root / "out").symlink_to(secret)
    (root / "gone.png").symlink_to(secret / "gone.png")
    (root / "same.png").symlink_to("a.png")
    (root / "nothing.png").symlink_to("nowhere.png")
    (root / "turn").symlink_to("turn")
    (root / "up").symlink_to(".")
    folder = Folder.read(root)
    assert folder.outside == {"s.png", "images/t.png", "out", "gone.png"}
    assert folder.files["same.png"] == folder.files["a.png"] and len(folder.files) == 8
    assert found(root, "same") == "same.png"
    for name in ("s.png", "s", "t", "images/t.png", "out/s.png", "set/out/s.png", "out/../a.png/../s.png", "out"):
        assert found(root, name) == OUTSIDE, name
    assert found(root, "nothing.png") == MISSING and found(root, "up/a.png") == "a.png"
    assert not any("secret" in str((root / file).resolve()) for file in folder.files)


def test_a_folder_that_is_itself_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert Folder.read(link).root == root.resolve() and found(link, "images/b.png") == "images/b.png"


def test_names_that_are_no_words(root: Path) -> None:
    odd = ["a b.png", "Ä'\".png", "line\nbreak.png", "<img src=x>.png", "-rf", "🩻.png", "x" * 200 + ".png"]
    for name in odd:
        (root / name).write_text("odd")
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff.png"))).write_text("odd")
    for name in odd:
        assert found(root, name) == name
    assert found(root, "🩻") == "🩻.png" and len(Folder.read(root).files) == 7 + len(odd) + 1


@pytest.mark.parametrize("name", ["nowhere", "a.png", "", " ", "~nobody-of-this-name/x", "a\0b", "x" * 5000])
def test_no_folder(root: Path, name: str) -> None:
    path = str(root / name) if name.strip() and name[0] != "~" else name
    with pytest.raises(StudyError, match=r"^There is no such folder; give one that exists on this machine\.$"):
        resolved(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_entered(root: Path) -> None:
    (root / "images").chmod(0)
    try:
        with pytest.raises(StudyError, match=r"cannot be read \(Permission denied\)"):
            Folder.read(root)
        with pytest.raises(StudyError, match="no such folder"):
            Folder.read(root / "images/deeper")
    finally:
        (root / "images").chmod(0o755)


def test_many_names_and_one_index() -> None:
    """Slow where each name walked through the files: 30,000 x 30,000 comparisons."""
    names = [f"{at:08}_000" for at in range(30_000)]
    files = {f"images_{at % 12}/{name}.png": (1, 1) for at, name in enumerate(names)}
    folder = Folder(Path("/set"), files, frozenset())
    found, reasons = folder.locate(np.array(names, dtype=object))
    assert found[:2] == ["images_0/00000000_000.png", "images_1/00000001_000.png"] and (reasons == "").all()
