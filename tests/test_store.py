"""EmbeddingSet and Projection: what they refuse, and that they come back as they were."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ArtefactError, InputError
from core.files import read_json, stamp, write_json
from core.store import EmbeddingSet, Projection


def vectors(n: int = 5, d: int = 4) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.default_rng(0).normal(size=(n, d))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def embedding(**changes: Any) -> EmbeddingSet:
    own = vectors()
    return EmbeddingSet(**{"ids": list("abcde"), "vectors": own, "modality": "image", **changes})


def test_round_trip_is_exact(tmp_path: Path) -> None:
    saved = embedding(made_by={"run": "x", "score": float("nan")}, ids=["a", "b", "c", "../d", "é\n"])
    saved.save(tmp_path / "embeddings" / "images")
    loaded = EmbeddingSet.load(tmp_path / "embeddings" / "images")
    np.testing.assert_array_equal(loaded.vectors, saved.vectors)
    assert loaded.vectors.dtype == np.float32
    assert (loaded.ids, loaded.modality) == (saved.ids, saved.modality)
    assert loaded.made_by == {"run": "x", "score": None}


def test_no_rows_are_a_set_too(tmp_path: Path) -> None:
    embedding(ids=[], vectors=np.zeros((0, 4), np.float32)).save(tmp_path / "texts")
    assert EmbeddingSet.load(tmp_path / "texts").vectors.shape == (0, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_names_row_and_column(value: float) -> None:
    own = vectors()
    own[3, 2] = value
    with pytest.raises(InputError, match=r"'d' \(row 3\) is not finite in column 2"):
        embedding(vectors=own)


@pytest.mark.parametrize(("factor", "norm"), [(0.0, "0"), (2.0, "2"), (1.01, "1.01")])
def test_rows_that_are_not_of_norm_one_are_named(factor: float, norm: str) -> None:
    own = vectors()
    own[1] *= np.float32(factor)
    with pytest.raises(InputError, match=rf"Row 1 \('b'\) has norm {norm}, not 1"):
        embedding(vectors=own)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vectors": vectors().astype(np.float64)}, "float32"),
        ({"vectors": vectors().astype(np.float16)}, "float16"),
        ({"vectors": vectors()[0]}, r"\(4,\)"),
        ({"vectors": vectors()[None]}, r"\(1, 5, 4\)"),
        ({"ids": list("abcd")}, "4 ids for 5 vectors"),
        ({"ids": list("abcda")}, "repeat"),
    ],
)
def test_wrong_form_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        embedding(**changes)


def test_damage_is_found(tmp_path: Path) -> None:
    stem = tmp_path / "images"
    embedding().save(stem)
    data = stem.with_suffix(".safetensors")
    good = data.read_bytes()
    for bad in (b"", good[:-1], good[:-1] + bytes([good[-1] ^ 1])):
        data.write_bytes(bad)
        with pytest.raises(ArtefactError, match=r"images\.safetensors"):
            EmbeddingSet.load(stem)
    data.unlink()
    with pytest.raises(ArtefactError, match="missing"):
        EmbeddingSet.load(stem)


def test_without_its_manifest_nothing_is_read(tmp_path: Path) -> None:
    embedding().save(tmp_path / "images")
    (tmp_path / "images.json").unlink()
    with pytest.raises(ArtefactError, match=r"images\.json"):
        EmbeddingSet.load(tmp_path / "images")


@pytest.mark.parametrize("manifest", [[], {}, {"ids": [], "modality": "image", "made_by": {}}, "x"])
def test_a_manifest_of_another_form_is_refused(tmp_path: Path, manifest: object) -> None:
    embedding().save(tmp_path / "images")
    write_json(tmp_path / "images.json", manifest)
    with pytest.raises(ArtefactError, match="not a manifest of ours"):
        EmbeddingSet.load(tmp_path / "images")


class Trap:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_pickle_with_code_in_it_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    embedding().save(tmp_path / "images")
    data, sprung = tmp_path / "images.safetensors", tmp_path / "sprung"
    data.write_bytes(pickle.dumps(Trap(sprung)))
    pickle.loads(data.read_bytes())
    assert sprung.exists(), "the trap does not work"
    sprung.unlink()
    with pytest.raises(ArtefactError, match="manifest"):
        EmbeddingSet.load(tmp_path / "images")
    manifest = read_json(tmp_path / "images.json")
    write_json(tmp_path / "images.json", {**manifest, "file": stamp(data)})  # whoever planted it forged that too
    with pytest.raises(ArtefactError, match="not an embedding in safetensors form"):
        EmbeddingSet.load(tmp_path / "images")
    assert not sprung.exists()


def projection(**changes: Any) -> Projection:
    values: dict[str, Any] = {
        "ids": ["a", "b", "Mass", "Mass"],
        "kinds": ["sample", "sample", "prompt", "centroid"],
        "coordinates": np.arange(12, dtype=np.float32).reshape(4, 3) / 7,
        "parameters": {"method": "umap", "random_state": 3},
        "faithfulness": {"trustworthiness": float("nan")},
    }
    return Projection(**{**values, **changes})


def test_projection_round_trip(tmp_path: Path) -> None:
    saved = projection()
    saved.save(tmp_path / "projections" / "umap")
    loaded = Projection.load(tmp_path / "projections" / "umap")
    np.testing.assert_array_equal(loaded.coordinates, saved.coordinates)
    assert loaded.coordinates.dtype == np.float32
    assert (loaded.ids, loaded.kinds, loaded.parameters) == (saved.ids, saved.kinds, saved.parameters)
    assert loaded.faithfulness == {"trustworthiness": None}
    names, points = loaded.of_kind("centroid")
    assert names == ["Mass"]
    np.testing.assert_array_equal(points, saved.coordinates[3:])
    assert loaded.of_kind("nothing")[1].shape == (0, 3)


def test_scores_of_points_travel_with_a_projection(tmp_path: Path) -> None:
    scores = {"trustworthiness": np.array([1, 0.5, np.nan, np.nan], np.float32)}
    projection(per_point=scores).save(tmp_path / "umap")
    loaded = Projection.load(tmp_path / "umap")
    assert list(loaded.per_point) == ["trustworthiness"]
    np.testing.assert_array_equal(loaded.per_point["trustworthiness"], scores["trustworthiness"])
    assert loaded.per_point["trustworthiness"].dtype == np.float32
    projection().save(tmp_path / "old")
    assert Projection.load(tmp_path / "old").per_point == {}
    for wrong in ({"stability": np.ones(3, np.float32)}, {"x": np.ones(4, np.float32)}):
        with pytest.raises(InputError, match="is no score of each of 4 points"):
            projection(per_point=wrong)


def test_a_damaged_projection_is_found(tmp_path: Path) -> None:
    projection().save(tmp_path / "umap")
    data = bytearray((tmp_path / "umap.parquet").read_bytes())
    data[len(data) // 2] ^= 8
    (tmp_path / "umap.parquet").write_bytes(data)
    with pytest.raises(ArtefactError, match="SHA-256"):
        Projection.load(tmp_path / "umap")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coordinates": np.zeros((4, 2), np.float32)}, r"\(4, 2\)"),
        ({"kinds": ["sample"]}, "1 kinds"),
        ({"coordinates": np.full((4, 3), np.nan, np.float32)}, "finite"),
        ({"kinds": ["sample", "sample", "prompt", "stranger"]}, "stranger"),
        ({"ids": ["a", "a", "Mass", "Mass"]}, "repeat within a kind"),
    ],
)
def test_wrong_projections_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        projection(**changes)
