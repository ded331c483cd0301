"""A saliency map that is kept, and what it is a map of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import ArtefactError, InputError
from core.files import read_json, replacing, stamp, verify, write_json

Method = Literal["gradient", "rollout"]
METHODS: dict[str, str] = {
    "gradient": "By gradients of the score",
    "rollout": "Attention alone (roll-out)",
}


@dataclass(frozen=True)
class Look:
    """A map that is wanted.

    Attributes:
        name: hash of weights, radiograph, target and method.
        sample: id of the radiograph.
        finding: the disease; empty where a text is looked for.
        text: what somebody typed; empty where a disease is looked for.
        method: see :func:`core.attention.saliency.saliency`.
        weights: of the run, when it was asked for.
    """

    name: str
    sample: str
    finding: str
    text: str
    method: Method
    weights: str


@dataclass(frozen=True, kw_only=True)
class Saliency:
    """Where the pixels lie that move a score; which text a score is of is not kept.

    Attributes:
        values: float16 (h, w) in 0..1 on the tower's own grid, over the whole radiograph: shares of the highest one;
            all 0 where nothing raises the score.
        highest: the highest one, not scaled.
        score: the score.
        scored_by: ``logit``, ``cosine to the prompt`` or ``cosine to the text``.
        method, where: how, and at which part of the tower, in words.

    Raises:
        InputError: not float16 (h, w), or values out of range.
    """

    values: NDArray[np.float16]
    highest: float
    score: float
    scored_by: str
    method: str
    where: str

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.dtype != np.float16 or not self.values.size:
            raise InputError(f"A saliency map is float16 (h, w); got {self.values.dtype} {self.values.shape}.")
        if not ((self.values >= 0) & (self.values <= 1)).all():
            raise InputError("A saliency map holds shares of its highest value, 0 to 1.")

    @property
    def empty(self) -> bool:
        """Whether nothing in the radiograph raises the score."""
        return not self.values.any()

    def save(self, stem: Path, made_by: dict[str, Any]) -> None:
        """Write ``stem.safetensors``, then its manifest ``stem.json``."""
        from safetensors.numpy import save

        data = stem.with_suffix(".safetensors")
        with replacing(data) as stream:
            stream.write(save({"values": np.ascontiguousarray(self.values)}))
        told = {name: getattr(self, name) for name in ("highest", "score", "scored_by", "method", "where")}
        write_json(stem.with_suffix(".json"), {**told, "made_by": made_by, "file": stamp(data)})

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ArtefactError: absent, torn, altered or not of our form.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        told, data = read_json(stem.with_suffix(".json")), stem.with_suffix(".safetensors")
        try:
            verify(data, told["file"])
            return cls(
                values=load_file(data)["values"],
                highest=float(told["highest"]),
                score=float(told["score"]),
                **{name: str(told[name]) for name in ("scored_by", "method", "where")},
            )
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ArtefactError(f"{stem.name}.json is not the manifest of a saliency map ({error!r}).") from error
