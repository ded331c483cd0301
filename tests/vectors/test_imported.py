"""Sets of embeddings: what an import makes of a file, and that it is found again as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import ArtefactError, ConfigError, InputError
from core.files import sha256
from core.imported import ImportedSet, import_embeddings, readable_sets, remove_set, set_names, unit_rows
from core.metrics.similarity import cosine_matrix, off_diagonal, uniformity

REAL = "text_embeddings"
pytestmark = pytest.mark.usefixtures("workspace")


def saved(folder: Path, rows: NDArray[Any], name: str = "vectors.npy") -> Path:
    np.save(folder / name, rows)
    return folder / name


@pytest.mark.parametrize(
    ("file", "mean", "least", "most", "uniform"),
    [("clip_basic.pt", 0.8529, 0.7569, 0.9615, -0.574), ("biomedclip_basic.pt", 0.6532, 0.4716, 0.8261, -1.339)],
)
def test_the_known_values_of_real_embeddings(
    real_data: Path, file: str, mean: float, least: float, most: float, uniform: float
) -> None:
    """The reference values of the field, to their last digit, through file, set and back."""
    reference = real_data / REAL / "reference.json"
    import_embeddings(real_data / REAL / file, "real", labels=str(reference))
    found = ImportedSet.load("real")
    assert list(found.labels) == json.loads(reference.read_text())["labels"]
    cosines = off_diagonal(cosine_matrix(found.embedding.vectors))
    assert [round(value, 4) for value in (cosines.mean, cosines.min, cosines.max)] == [mean, least, most]
    assert round(uniformity(found.embedding.vectors), 3) == uniform
    known = json.loads(reference.read_text())["files"][file]["off_diagonal_cosine"]
    assert round(cosines.std, 4) == pytest.approx(known["std"], abs=5e-4)  # theirs is divided by one less


def test_the_positive_and_negative_prompts(real_data: Path, tmp_path: Path) -> None:
    names = json.loads((real_data / REAL / "reference.json").read_text())["labels"]
    (tmp_path / "names.txt").write_text(
        "\n".join(f"{name}, {what}" for name in names for what in ("present", "absent"))
    )
    path = real_data / REAL / "biomed_dia_des_text_embeddings.pt"
    made = import_embeddings(path, "pairs", labels=str(tmp_path / "names.txt"))
    found = off_diagonal(cosine_matrix(made.embedding.vectors))
    assert [round(value, 4) for value in (found.mean, found.min, found.max)] == [0.6488, 0.3824, 0.9218]
    with pytest.raises(InputError, match="14 labels for 28 vectors"):
        import_embeddings(path, "other", labels="chexpert")
    assert set_names() == ["pairs"]


def test_what_a_set_says_of_itself(tmp_path: Path, workspace: Path) -> None:
    path = saved(tmp_path, np.array([[[3.0, 4.0]], [[0.0, -0.5]]]))
    made = import_embeddings(path, "two", labels=["a", "b"])
    found = ImportedSet.load("two")
    assert np.allclose(found.embedding.vectors, [[0.6, 0.8], [0, -1]]) and found.labels == ("a", "b")
    assert found.manifest == made.manifest and found.fingerprint == made.fingerprint
    assert found.manifest["notices"] == [
        "The shape (2, 1, 2) was read as (2, 2).",
        "Norms were 0.5 to 5: every vector was brought to norm 1.",
    ]
    origin = found.manifest["origin"]
    assert origin == {"kind": "file", "format": ".npy", "sha256": sha256(path), "labels": "given", "shape": [2, 2]}
    assert str(tmp_path / "vectors") not in (workspace / "embeddings/two/set.json").read_text()


def test_the_same_file_has_the_same_fingerprint_and_another_one_another(tmp_path: Path) -> None:
    path = saved(tmp_path, np.eye(3))
    one, same = (import_embeddings(path, name, labels=["a", "b", "c"]) for name in ("one", "same"))
    other = import_embeddings(path, "other", labels=["a", "c", "b"])
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.manifest["notices"] == []


def test_labels_are_needed_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 vectors and no labels: give a text file"):
        import_embeddings(saved(tmp_path, np.eye(3)), "none")
    torch.save({"a": torch.ones(2), "b": torch.tensor([1.0, 0.0])}, tmp_path / "named.pt")
    with pytest.raises(InputError, match=r"names its 2 vectors itself \(a, b, …\), and labels were given as well"):
        import_embeddings(tmp_path / "named.pt", "twice", labels=["b", "a"])
    assert import_embeddings(tmp_path / "named.pt", "once").labels == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1.0, 0.0], [np.nan, 1.0]], r"Row 2 \('b'\), column 1 is nan: .* \(1 of 2 rows"),
        ([[1.0, -np.inf], [np.nan, 1.0]], r"Row 1 \('a'\), column 2 is -inf: .* \(2 of 2 rows"),
        ([[1.0, 0.0], [0.0, 0.0]], r"Row 2 \('b'\): all zero"),
        ([[0, 0], [0, 0]], r"Row 1 \('a'\), 2 \('b'\): all zero"),
    ],
)
def test_rows_without_a_direction_are_refused(tmp_path: Path, rows: list[list[float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        import_embeddings(saved(tmp_path, np.array(rows)), "bad", labels=["a", "b"])
    assert set_names() == []


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1.0, 1e40, 1e300])
def test_very_long_and_very_short_rows(size: float) -> None:
    vectors, notices = unit_rows(np.array([[3.0, 4.0], [1.0, 0.0]]) * size, ["a", "b"])
    assert vectors.dtype == np.float32 and np.allclose(vectors, [[0.6, 0.8], [1.0, 0.0]])
    assert bool(notices)


def test_one_vector_may_come_alone(tmp_path: Path) -> None:
    assert import_embeddings(saved(tmp_path, np.ones((1, 4))), "one", labels=["a"]).labels == ("a",)


@pytest.mark.parametrize("name", ["", "../x", "-rf", "a/b", "x" * 300, "📷", "A"])
def test_names_that_cannot_be_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a set of embeddings"):
        import_embeddings(saved(tmp_path, np.eye(2)), name, labels=["a", "b"])


def test_a_set_is_not_written_over(tmp_path: Path) -> None:
    path = saved(tmp_path, np.eye(2))
    import_embeddings(path, "one", labels=["a", "b"])
    with pytest.raises(InputError, match="give another name, or remove it first"):
        import_embeddings(path, "one", labels=["a", "b"])
    remove_set("one")
    import_embeddings(path, "one", labels=["b", "a"])
    with pytest.raises(ArtefactError, match="there are: one"):
        remove_set("two")


@pytest.mark.parametrize("file", ["vectors.safetensors", "vectors.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_set_is_named_and_hides_no_other(tmp_path: Path, workspace: Path, file: str, damage: str) -> None:
    for name in ("good", "bad"):
        import_embeddings(saved(tmp_path, np.eye(2)), name, labels=["a", "b"])
    path = workspace / "embeddings/bad" / file
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[:-1] + (bytes([whole[-1] ^ 1]) if damage == "flip" else b""))
    with pytest.raises(ArtefactError, match=file.replace(".", r"\.")):
        ImportedSet.load("bad")
    found, broken = readable_sets()
    assert [one.name for one in found] == ["good"] and list(broken) == ["bad"]


def test_a_set_without_its_manifest_is_none(tmp_path: Path, workspace: Path) -> None:
    import_embeddings(saved(tmp_path, np.eye(2)), "half", labels=["a", "b"])
    (workspace / "embeddings/half/set.json").unlink()
    assert set_names() == []
    with pytest.raises(ArtefactError, match="no set of embeddings 'half'; there are: none yet"):
        ImportedSet.load("half")
