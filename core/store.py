"""EmbeddingSet and Projection: vectors and map coordinates with their ids, saved without pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import ArtefactError, InputError
from core.files import read_json, replacing, stamp, verify, write_json

Modality = Literal["image", "text", "prompt"]
POINT_KINDS = ("sample", "prompt", "centroid")
OWN_COLUMNS = ("id", "kind", "x", "y", "z")
"""Of a map's table; the others are scores of each point."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingSet:
    """L2-normalised vectors of one modality.

    Attributes:
        ids: n different names: sample ids, or findings for prompts.
        vectors: float32 (n, d), each row of norm 1.
        modality: ``image``, ``text`` or ``prompt``.
        made_by: what made them (run, encoder, weights); goes into the manifest.

    Raises:
        InputError: wrong shape, repeated ids, or a row that is not finite and of norm 1; row and column are named.
    """

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    modality: Modality
    made_by: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vectors = self.vectors
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InputError(f"An EmbeddingSet needs float32 (n, d); got {vectors.dtype} {vectors.shape}.")
        if len(self.ids) != len(vectors):
            raise InputError(f"{len(self.ids)} ids for {len(vectors)} vectors; there must be one each.")
        if len(set(self.ids)) != len(self.ids):
            raise InputError("Ids repeat in an EmbeddingSet; each row needs its own.")
        # One pass over the numbers: a row with one that is not finite has no finite norm either.
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        off = np.flatnonzero(~(np.abs(norms - 1) <= 1e-3))
        if len(off):
            self._complain(int(off[0]), float(norms[off[0]]))

    def _complain(self, row: int, norm: float) -> None:
        """Raise InputError that says what is wrong with a row."""
        column = np.flatnonzero(~np.isfinite(self.vectors[row]))
        if len(column):
            raise InputError(f"The vector of {self.ids[row]!r} (row {row}) is not finite in column {column[0]}.")
        raise InputError(f"Row {row} ({self.ids[row]!r}) has norm {norm:.4g}, not 1: normalise before saving.")

    def save(self, stem: Path) -> None:
        """Write ``stem.safetensors``, then its manifest ``stem.json``."""
        from safetensors.numpy import save

        data = stem.with_suffix(".safetensors")
        with replacing(data) as stream:
            stream.write(save({"vectors": np.ascontiguousarray(self.vectors)}))
        manifest = {"modality": self.modality, "ids": list(self.ids), "made_by": self.made_by, "file": stamp(data)}
        write_json(stem.with_suffix(".json"), manifest)

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ArtefactError: absent, torn, altered, or not safetensors.
        """
        from safetensors import SafetensorError, safe_open

        manifest = _manifest(stem, ("ids", "modality", "made_by", "file"))
        data = stem.with_suffix(".safetensors")
        verify(data, manifest["file"])
        try:
            with safe_open(data, framework="numpy") as opened:  # copies the file once, where `load` copies it twice
                vectors = opened.get_tensor("vectors")
        except SafetensorError as error:
            raise ArtefactError(f"{data.name} is not an embedding in safetensors form ({error}).") from error
        return cls(ids=manifest["ids"], vectors=vectors, modality=manifest["modality"], made_by=manifest["made_by"])


def _manifest(stem: Path, wanted: tuple[str, ...]) -> dict[str, Any]:
    found = read_json(stem.with_suffix(".json"))
    if not isinstance(found, dict) or any(name not in found for name in wanted):
        raise ArtefactError(f"{stem.name}.json is not a manifest of ours: it must hold {', '.join(wanted)}.")
    return found


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Coordinates of samples, disease prompts and disease centroids in one 3D map.

    Attributes:
        ids: n names; unique within a kind.
        kinds: n of ``sample``, ``prompt``, ``centroid``.
        coordinates: float32 (n, 3), finite.
        parameters: everything that changes the answer (method, settings, seed, reference).
        faithfulness: scores of how far the map may be believed.
        per_point: float32 (n,) by name (``trustworthiness``, ``knn_recall``, ``stability``), each in [0, 1]: how far
            each point may be believed; NaN for anchors and where it was not measured. Older maps have none.
    """

    ids: Sequence[str]
    kinds: Sequence[str]
    coordinates: NDArray[np.float32]
    parameters: dict[str, Any]
    faithfulness: dict[str, Any]
    per_point: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.coordinates.shape
        if shape != (len(self.ids), 3) or len(self.kinds) != len(self.ids):
            raise InputError(f"{len(self.ids)} ids and {len(self.kinds)} kinds do not fit coordinates {shape}.")
        if unknown := set(self.kinds) - set(POINT_KINDS):
            raise InputError(f"Points are of the kinds {', '.join(POINT_KINDS)}; got {sorted(unknown)}.")
        if len(set(zip(self.kinds, self.ids, strict=True))) != len(self.ids):
            raise InputError("Ids repeat within a kind; each point of a map needs its own.")
        if not np.isfinite(self.coordinates).all():
            raise InputError("A map's coordinates must be finite.")
        for name, values in self.per_point.items():
            if name in OWN_COLUMNS or values.shape != (len(self.ids),):
                raise InputError(f"{name!r} of shape {values.shape} is no score of each of {len(self.ids)} points.")

    def of_kind(self, kind: str) -> tuple[list[str], NDArray[np.float32]]:
        """The ids and coordinates (m, 3) of one kind."""
        rows = [row for row, own in enumerate(self.kinds) if own == kind]
        return [self.ids[row] for row in rows], self.coordinates[rows]

    def save(self, stem: Path) -> None:
        """Write ``stem.parquet``, then its manifest ``stem.json``."""
        data = stem.with_suffix(".parquet")
        table = pd.DataFrame({"id": list(self.ids), "kind": list(self.kinds)})
        table[["x", "y", "z"]] = self.coordinates
        for name, values in self.per_point.items():
            table[name] = values.astype(np.float32)
        with replacing(data) as stream:
            table.to_parquet(stream, index=False)
        manifest = {"parameters": self.parameters, "faithfulness": self.faithfulness, "file": stamp(data)}
        write_json(stem.with_suffix(".json"), manifest)

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ArtefactError: absent, torn or altered.
        """
        manifest = _manifest(stem, ("parameters", "faithfulness", "file"))
        data = stem.with_suffix(".parquet")
        verify(data, manifest["file"])
        table = pd.read_parquet(data)
        return cls(
            ids=table["id"].tolist(),
            kinds=table["kind"].tolist(),
            coordinates=table[["x", "y", "z"]].to_numpy(np.float32),
            parameters=manifest["parameters"],
            faithfulness=manifest["faithfulness"],
            per_point={name: table[name].to_numpy(np.float32) for name in table if name not in OWN_COLUMNS},
        )


def paired_rows(
    images: EmbeddingSet, texts: EmbeddingSet, ids: NDArray[np.object_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Vectors of the samples among ``ids`` that have both an image and a text.

    Returns:
        images (m, d) and texts (m, d), row i of both belonging together, and the positions (m,) in ``ids``.
    """
    rows = [pd.Index(one.ids, dtype=object).get_indexer(ids) for one in (images, texts)]  # -1: not there
    among = np.flatnonzero((rows[0] >= 0) & (rows[1] >= 0))
    return images.vectors[rows[0][among]], texts.vectors[rows[1][among]], among
