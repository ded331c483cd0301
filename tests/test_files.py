"""Writing: all of a file or nothing of it; stamps find every kind of damage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ArtefactError
from core.files import read_json, replacing, stamp, verify, write_json
from core.workspace import ROOT

LIMITED = """
import resource, signal, sys
from pathlib import Path
from core.files import replacing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with replacing(Path(sys.argv[1])) as stream:
        stream.write(b"x" * 1_000_000)
except OSError as error:
    sys.exit(0 if error.errno == 27 else 1)
sys.exit(2)
"""


def test_replaces_only_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.bin"
    with replacing(path) as stream:
        stream.write(b"old")
        assert not path.exists()
    with pytest.raises(RuntimeError, match="in the middle"), replacing(path) as stream:
        stream.write(b"half of the new")
        raise RuntimeError("in the middle")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.bin"]
    with replacing(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    # the kernel refuses to let a file grow past the limit, as it does when the disk is full
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_interrupting_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"{")
        raise KeyboardInterrupt
    assert read_json(path) == {"a": 1}


def test_json_has_null_where_a_number_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    nan, inf = float("nan"), float("inf")
    write_json(path, {"a": nan, "b": [1.5, inf, (nan, "x")], "c": {"d": -inf, 7: True}, "e": "größe \U0001fac1"})
    strict = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert strict == {"a": None, "b": [1.5, None, [None, "x"]], "c": {"d": None, "7": True}, "e": "größe \U0001fac1"}


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe{", b"<html>"])
def test_what_is_not_json_is_an_error_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(ArtefactError, match=r"file\.json in .* is not valid JSON"):
        read_json(tmp_path / "file.json")


def test_absent_json_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="never finished"):
        read_json(tmp_path / "file.json")


def test_a_stamp_finds_absence_truncation_growth_and_every_flipped_bit(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    good = bytes(range(40))
    path.write_bytes(good)
    expected = stamp(path)
    verify(path, expected)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(ArtefactError, match="torn or altered"):
            verify(path, expected)
    path.write_bytes(good + b"\0")
    with pytest.raises(ArtefactError, match="torn or altered"):
        verify(path, expected)
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(ArtefactError, match="SHA-256"):
            verify(path, expected)
    path.unlink()
    with pytest.raises(ArtefactError, match="missing"):
        verify(path, expected)


@pytest.mark.parametrize("expected", [{}, {"bytes": 1}, None, "x"])
def test_a_stamp_that_is_none_is_refused(tmp_path: Path, expected: object) -> None:
    (tmp_path / "data.bin").write_bytes(b"x")
    with pytest.raises(ArtefactError, match="neither size nor SHA-256"):
        verify(tmp_path / "data.bin", expected)  # type: ignore[arg-type]
