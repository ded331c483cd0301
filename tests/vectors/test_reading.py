"""Vectors in each kind of file, and files that are damaged, hostile, or hold something else."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from core.errors import FluoroscopeError, InputError
from core.vectors import formats
from core.vectors.reading import read_vectors

NAMES = ("Edema", "Mass", "Œdème aigu ☃")
ROWS = np.array([[1.0, 2.0, 0.5, -1.0], [0.25, 0.0, 3.0, 2.0], [-2.0, 1.0, 1.0, 1.0]], np.float32)


def table() -> pd.DataFrame:
    made = pd.DataFrame(ROWS, columns=["d0", "d1", "d2", "d3"])
    made.insert(0, "finding", NAMES)
    return made


class Hostile:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.open, (str(self.mark), os.O_CREAT | os.O_WRONLY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ward-of-somebody"


def named(file: Path, suffix: str) -> Path:
    return file.with_suffix(suffix)


MATRICES = {
    ".npy": lambda path: np.save(path, ROWS),
    ".npz": lambda path: np.savez(path, vectors=ROWS),
    ".safetensors": lambda path: save_file({"vectors": ROWS}, path),
    ".pt": lambda path: torch.save(torch.from_numpy(ROWS), path),
    ".pth": lambda path: torch.save({"vectors": torch.from_numpy(ROWS)}, path),
}
NAMED = {
    ".npz": lambda path: np.savez(path, **dict(zip(NAMES, ROWS, strict=True))),
    ".safetensors": lambda path: save_file(dict(zip(NAMES, ROWS.copy(), strict=True)), path),
    ".pt": lambda path: torch.save(dict(zip(NAMES, torch.from_numpy(ROWS)[:, None], strict=True)), path),
    ".csv": lambda path: table().to_csv(path, index=False),
    ".tsv": lambda path: table().to_csv(path, index=False, sep="\t"),
    ".parquet": lambda path: table().to_parquet(path),
}


@pytest.mark.parametrize("suffix", MATRICES)
def test_one_matrix_has_no_names(file: Path, suffix: str) -> None:
    MATRICES[suffix](named(file, suffix))
    found = read_vectors(named(file, suffix))
    assert np.array_equal(found.vectors, ROWS)
    assert found.labels is None and found.notices == ()


@pytest.mark.parametrize("suffix", NAMED)
def test_a_vector_under_each_name(file: Path, suffix: str) -> None:
    NAMED[suffix](named(file, suffix))
    found = read_vectors(named(file, suffix))
    assert dict(zip(found.labels or (), found.vectors.tolist(), strict=True)) == dict(
        zip(NAMES, ROWS.tolist(), strict=True)
    )


def test_labels_may_lie_beside_a_matrix(file: Path) -> None:
    np.savez(named(file, ".npz"), findings=np.array(NAMES), vectors=ROWS)
    assert read_vectors(named(file, ".npz")).labels == NAMES
    torch.save({"vectors": torch.from_numpy(ROWS), "names": list(NAMES)}, named(file, ".pt"))
    assert read_vectors(named(file, ".pt")).labels == NAMES


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(file: Path, dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(ROWS).to(dtype)
    torch.save(tensor.requires_grad_(), named(file, ".pt"))
    save_torch_file({"vectors": tensor.detach()}, named(file, ".safetensors"))
    for suffix in (".pt", ".safetensors"):
        assert np.array_equal(read_vectors(named(file, suffix)).vectors, ROWS)  # these values are exact in all of them


def test_a_middle_axis_of_one_is_left_out_and_said(file: Path) -> None:
    np.save(named(file, ".npy"), ROWS[:, None])
    found = read_vectors(named(file, ".npy"))
    assert np.array_equal(found.vectors, ROWS)
    assert found.notices == ("The shape (3, 1, 4) was read as (3, 4).",)


def test_one_of_several_is_chosen(file: Path) -> None:
    np.savez(named(file, ".npz"), images=ROWS, texts=2 * ROWS)
    with pytest.raises(InputError, match=r"'images' float32 \(3, 4\), 'texts' float32 \(3, 4\): say which one"):
        read_vectors(named(file, ".npz"))
    assert np.array_equal(read_vectors(named(file, ".npz"), array="texts").vectors, 2 * ROWS)
    with pytest.raises(InputError, match="no numbers under 'gone'"):
        read_vectors(named(file, ".npz"), array="gone")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 4)), r"\(0, 4\)"),
        (np.zeros((4, 0)), r"\(4, 0\)"),
        (np.zeros(4), r"\(4,\)"),
        (np.zeros(()), r"\(\)"),
        (np.zeros((1, 3, 4)), r"\(1, 3, 4\)"),
        (np.zeros((3, 4), bool), "bool"),
        (np.zeros((3, 4), complex), "complex128"),
        (np.array([["a"]]), "<U1"),
        (np.zeros(3, [("a", float)]), "'a'"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(file: Path, array: np.ndarray, words: str) -> None:
    np.save(named(file, ".npy"), array)
    with pytest.raises(InputError, match=words):
        read_vectors(named(file, ".npy"))


def test_one_vector_alone(file: Path) -> None:
    np.save(named(file, ".npy"), ROWS[:1])
    torch.save({"x": torch.from_numpy(ROWS[:1])}, named(file, ".pt"))
    for suffix in (".npy", ".pt"):
        assert read_vectors(named(file, suffix)).vectors.shape == (1, 4)


def test_pickles_are_not_opened(file: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    objects = np.array([Hostile(mark)], dtype=object)
    np.save(named(file, ".npy"), objects, allow_pickle=True)
    np.savez(named(file, ".npz"), vectors=objects)
    torch.save({"vectors": Hostile(mark)}, named(file, ".pt"))
    torch.save(Hostile(mark), named(file, ".pth"), _use_new_zipfile_serialization=False)
    for suffix in (".npy", ".npz", ".pt", ".pth"):
        with pytest.raises(InputError, match=r"objects instead of numbers|no code of it was run") as caught:
            read_vectors(named(file, suffix))
        assert file.name not in str(caught.value)
    assert not mark.exists()
    torch.load(named(file, ".pt"), weights_only=False)  # the trap works: only the reader keeps it shut
    assert mark.exists()


@pytest.mark.parametrize(
    "held", [[torch.ones(2, 2)], "text", 3, {"a": 1}, {}, {"a": torch.ones(2), "b": torch.ones(3)}]
)
def test_what_else_a_torch_file_may_hold(file: Path, held: object) -> None:
    torch.save(held, named(file, ".pt"))
    with pytest.raises(InputError, match=r"allowed|may hold"):
        read_vectors(named(file, ".pt"))


@pytest.mark.parametrize("suffix", [*MATRICES, ".parquet"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_torn_file(file: Path, suffix: str, part: float) -> None:
    path = named(file, suffix)
    (MATRICES | NAMED)[suffix](path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(FluoroscopeError) as caught:
        read_vectors(path)
    assert file.name not in str(caught.value)


@pytest.mark.parametrize("suffix", MATRICES)
def test_something_else_under_that_name(file: Path, suffix: str) -> None:
    path = named(file, suffix)
    for content in (b"<html>", b"\x80\x04.", b"PK\x03\x04" + bytes(40), bytes(100)):
        path.write_bytes(content)
        with pytest.raises(InputError):
            read_vectors(path)


def test_a_header_that_promises_more_than_is_there(file: Path) -> None:
    np.save(named(file, ".npy"), ROWS)
    whole = named(file, ".npy").read_bytes()
    short, long = b"(3, 4), }", b"(3000000000, 4), }"
    named(file, ".npy").write_bytes(whole.replace(short + b" " * (len(long) - len(short)), long))
    assert b"(3000000000, 4)" in named(file, ".npy").read_bytes()
    with pytest.raises(InputError, match="cannot be read"):
        read_vectors(named(file, ".npy"))


def test_what_is_too_large_is_not_unpacked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_BYTES", 10_000)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((100, 1000)))
    with zipfile.ZipFile(named(file, ".npz"), "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("vectors.npy", buffer.getvalue())
    assert named(file, ".npz").stat().st_size < 10_000
    torch.save(torch.ones(1).expand(1000, 1000), named(file, ".pt"))  # one number, repeated a million times
    for suffix in (".npz", ".pt"):
        with pytest.raises(InputError, match=r"are read at once|too large"):
            read_vectors(named(file, suffix))


@pytest.mark.filterwarnings("ignore")  # torch's remarks on these kinds
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.from_numpy(ROWS).to_sparse(),
        lambda: torch.quantize_per_tensor(torch.from_numpy(ROWS), 0.1, 0, torch.qint8),
        lambda: torch.empty(3, 4, device="meta"),
    ],
    ids=["sparse", "quantised", "meta"],
)
def test_tensors_that_are_no_plain_numbers(file: Path, make: Callable[[], torch.Tensor]) -> None:
    torch.save(make(), named(file, ".pt"))
    with pytest.raises(InputError, match="must be dense numbers"):
        read_vectors(named(file, ".pt"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("x.pkl", "'.pkl'"), ("x", "'nothing'"), ("gone.npy", "no such file"), ("folder.npy", "no such")],
)
def test_other_files(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match=words):
        read_vectors(tmp_path / name)


def test_an_option_that_a_file_does_not_have(file: Path) -> None:
    np.save(named(file, ".npy"), ROWS)
    table().to_csv(named(file, ".csv"), index=False)
    for suffix, option in ((".npy", {"label_column": "x"}), (".npy", {"array": "x"}), (".csv", {"array": "x"})):
        with pytest.raises(InputError, match="leave it away"):
            read_vectors(named(file, suffix), **option)


class TestTables:
    def read(self, file: Path, made: pd.DataFrame, **more: Any) -> Any:
        made.to_csv(named(file, ".csv"), index=False)
        return read_vectors(named(file, ".csv"), **more)

    def test_a_column_that_counts_is_no_dimension(self, file: Path) -> None:
        table().to_csv(named(file, ".csv"))
        found = read_vectors(named(file, ".csv"))
        assert found.vectors.shape == (3, 4)
        assert found.notices == ("Column 'Unnamed: 0' only counts the rows: it was left out.",)

    def test_numbers_alone(self, file: Path) -> None:
        found = self.read(file, table().drop(columns="finding"))
        assert found.labels is None and np.array_equal(found.vectors, ROWS)

    def test_labels_that_are_numbers_are_named(self, file: Path) -> None:
        found = self.read(file, table().assign(finding=[3, 1, 2]), label_column="finding")
        assert found.labels == ("3", "1", "2") and found.vectors.shape == (3, 4)

    @pytest.mark.parametrize("cell", ["", "high"])
    def test_a_hole_is_named_by_row_and_column(self, file: Path, cell: str) -> None:
        with pytest.raises(InputError, match=r"Row 4, column 'd2': the cell is empty or no number \(1 such cells\)"):
            self.read(file, table().astype({"d2": object}).replace({"d2": {1.0: cell}}))

    def test_two_columns_of_words(self, file: Path) -> None:
        made = table().assign(origin=["a", "b", "c"])
        with pytest.raises(InputError, match="Columns 'finding', 'origin' hold words: say which"):
            self.read(file, made)

    def test_no_rows_and_no_numbers(self, file: Path) -> None:
        for made, words in ((table().iloc[:0], "no rows"), (table()[["finding"]], "no column of numbers")):
            with pytest.raises(FluoroscopeError, match=words):
                self.read(file, made)

    def test_a_column_of_lists(self, file: Path) -> None:
        made = pd.DataFrame({"name": NAMES, "embedding": list(ROWS)})
        made.to_parquet(named(file, ".parquet"))
        found = read_vectors(named(file, ".parquet"))
        assert found.labels == NAMES and np.array_equal(found.vectors, ROWS)
        made["embedding"] = [ROWS[0], ROWS[1, :3], ROWS[2]]
        made.to_parquet(named(file, ".parquet"))
        with pytest.raises(InputError, match="Row 3, column 'embedding'"):
            read_vectors(named(file, ".parquet"))
