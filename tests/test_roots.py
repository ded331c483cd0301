"""Where radiographs may be read from: the page's rule and the command line's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import roots
from core.errors import StudyError
from core.roots import allowed_folder, data_roots, refuse_system_folder

OUTSIDE = "lies outside the configured roots"
SYSTEM = "a folder of the system, or somebody's home"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two roots, each with a folder of radiographs, and a third folder beside them."""
    for name in ("one/set", "two/set", "three/set", "one-more/set"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("FLUOROSCOPE_DATA", os.pathsep.join([str(tmp_path / "one"), "", f"{tmp_path}/two/ ".strip()]))
    return tmp_path


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLUOROSCOPE_DATA", raising=False)


def test_several_roots(data: Path) -> None:
    assert data_roots() == [(data / "one").resolve(), (data / "two").resolve()]
    for name in ("one", "one/set", "two/set", "two/../one/set", "three/../two/set"):
        assert allowed_folder(str(data / name)) == (data / name).resolve()


@pytest.mark.parametrize(
    "name", ["three/set", "one-more/set", "one/../three/set", "one/set/../../three", "", "one/../..", "nowhere"]
)
def test_outside_of_them(data: Path, name: str) -> None:
    with pytest.raises(StudyError, match=OUTSIDE) as error:
        allowed_folder(str(data / name))
    assert str(data) not in str(error.value)
    with pytest.raises(StudyError, match=OUTSIDE):
        refuse_system_folder(str(data / name))  # the command line keeps to roots where there are some


@pytest.mark.parametrize("path", ["/", "/etc", "/root", "~", "~root", "/etc/../etc", "/proc/self/cwd/etc", "."])
def test_a_folder_of_the_system_is_outside(data: Path, path: str) -> None:
    with pytest.raises(StudyError, match=OUTSIDE):
        allowed_folder(path)


def test_links(data: Path) -> None:
    (data / "one/out").symlink_to(data / "three")
    (data / "three/in").symlink_to(data / "one/set")
    with pytest.raises(StudyError, match=OUTSIDE):
        allowed_folder(str(data / "one/out"))
    with pytest.raises(StudyError, match=OUTSIDE):
        allowed_folder(str(data / "one/out/set"))
    assert allowed_folder(str(data / "three/in")) == (data / "one/set").resolve()


def test_a_root_that_is_a_link(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "link").symlink_to(data / "three")
    monkeypatch.setenv("FLUOROSCOPE_DATA", str(data / "link"))
    for path in (data / "link/set", data / "three/set"):
        assert allowed_folder(str(path)) == (data / "three/set").resolve()
    with pytest.raises(StudyError, match=OUTSIDE):
        allowed_folder(str(data / "one/set"))


def test_what_is_no_folder(data: Path) -> None:
    (data / "one/file").write_text("x")
    for name in ("one/nowhere", "one/file", "one/file/deeper"):
        with pytest.raises(StudyError, match="no such folder"):
            allowed_folder(str(data / name))
    for path in ("\0", "a\0b", "~nobody-of-this-name/x"):
        with pytest.raises(StudyError, match="no such folder"):
            allowed_folder(path)
    with pytest.raises(StudyError, match="no such folder"):
        monkey = data / "one/round"
        monkey.symlink_to(monkey)
        allowed_folder(str(monkey))


@pytest.mark.usefixtures("free")
def test_without_roots_the_workspace_has_one(workspace: Path) -> None:
    (workspace / "data/set").mkdir(parents=True)
    assert allowed_folder(str(workspace / "data/set")) == (workspace / "data/set").resolve()
    for path in (workspace, workspace / "studies", Path("/tmp")):
        with pytest.raises(StudyError, match=OUTSIDE):
            allowed_folder(str(path))


@pytest.mark.usefixtures("workspace")
def test_blank_roots_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for blank in ("", "  ", ":", " : "):
        monkeypatch.setenv("FLUOROSCOPE_DATA", blank.replace(":", os.pathsep))
        assert [root.name for root in data_roots()] == ["data"]
        refuse_system_folder(str(tmp_path))


@pytest.mark.usefixtures("free")
class TestCommandLine:
    def test_a_usual_folder(self, tmp_path: Path) -> None:
        refuse_system_folder(str(tmp_path))
        with pytest.raises(StudyError, match="no such folder"):
            refuse_system_folder(str(tmp_path / "nowhere"))

    @pytest.mark.parametrize("path", ["/", "/etc", "/usr/share", "/proc/self", "/var", "/var/log", "/tmp/../etc", "~"])
    def test_folders_of_the_system(self, path: str) -> None:
        if not Path(path).expanduser().is_dir():
            pytest.skip("this machine has no such folder")
        with pytest.raises(StudyError, match=SYSTEM):
            refuse_system_folder(path)

    def test_a_link_to_one(self, tmp_path: Path) -> None:
        (tmp_path / "set").symlink_to("/etc")
        with pytest.raises(StudyError, match=SYSTEM):
            refuse_system_folder(str(tmp_path / "set"))

    def test_homes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Our own home, those beside it and the folder of them are refused; what lies deeper is not."""
        for name in ("homes/ann/data", "homes/bob/data"):
            (tmp_path / name).mkdir(parents=True)
        monkeypatch.setenv("HOME", str(tmp_path / "homes/ann"))
        for name in ("homes", "homes/ann", "homes/bob", "homes/ann/../bob"):
            with pytest.raises(StudyError, match=SYSTEM):
                refuse_system_folder(str(tmp_path / name))
        with pytest.raises(StudyError, match=SYSTEM):
            refuse_system_folder("~")
        refuse_system_folder("~/data")
        refuse_system_folder(str(tmp_path / "homes/bob/data"))  # what may be read there, the system decides

    def test_a_home_that_is_a_link(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "disk/ann/data").mkdir(parents=True)
        (tmp_path / "ann").symlink_to(tmp_path / "disk/ann")
        monkeypatch.setenv("HOME", str(tmp_path / "ann"))
        with pytest.raises(StudyError, match=SYSTEM):
            refuse_system_folder(str(tmp_path / "disk/ann"))
        refuse_system_folder("~/data")


@pytest.mark.parametrize(
    ("path", "home", "refused"),
    [
        ("/data", "/root", False),  # in a container, where the home lies beside all data
        ("/data/cxr", "/root", False),
        ("/root", "/root", True),
        ("/root/data", "/root", False),
        ("/root/data", "/home/ann", True),
        ("/home", "/root", True),
        ("/home/ann", "/root", True),
        ("/home/ann/data", "/root", False),
        ("/Users", "/Users/ann", True),
        ("/Users/bob", "/Users/ann", True),
        ("/Users/ann/cxr", "/Users/ann", False),
        ("/Volumes/disk/cxr", "/Users/ann", False),
        ("/private/etc", "/Users/ann", True),
        ("/private/tmp/cxr", "/Users/ann", False),
        ("/private/var/folders/x1/T/cxr", "/Users/ann", False),
        ("/private/var/db", "/Users/ann", True),
        ("/var/root", "/Users/ann", True),
        ("/Library/x", "/Users/ann", True),
        ("/System", "/Users/ann", True),
        ("/mnt/cxr", "/home/ann", False),
        ("/srv/cxr", "/home/ann", False),
        ("/opt/cxr", "/home/ann", False),
        ("/tmp", "/home/ann", False),
        ("/", "/", True),
        ("/data", "/", False),  # a user without a home
        ("/etc", "/", True),
    ],
)
@pytest.mark.usefixtures("free")
def test_machines_that_are_not_here(monkeypatch: pytest.MonkeyPatch, path: str, home: str, refused: bool) -> None:
    monkeypatch.setattr(roots, "resolved", Path)
    monkeypatch.setattr(Path, "resolve", lambda self: self)
    monkeypatch.setenv("HOME", home)
    if refused:
        with pytest.raises(StudyError, match=SYSTEM):
            refuse_system_folder(path)
    else:
        refuse_system_folder(path)
