"""What a safetensors file claims to hold, read without trust: its header first, its numbers piece by piece."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.cards.folder import parse, refuse, shown

BYTES = {"F32": 4, "I64": 8, "I32": 4, "BOOL": 1}
"""Kinds of numbers that a model of ours is made of, and the bytes of each."""

MOST_IN_HEADER = 16 * 1024**2
CHUNK = 4 * 1024**2
"""So many numbers are looked at together."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a header says of a tensor; ``start`` and ``stop`` are bytes of the file."""

    kind: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(path: Path) -> dict[str, Claim]:
    """The tensors of a file, which lie one after the other and fill it.

    Raises:
        ArtefactError: the file is torn or not safetensors, or claims what it does not hold.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, MOST_IN_HEADER):
            refuse(
                f"{path.name} is torn, or not safetensors: its header claims {length:,} bytes, the file has {size:,} "
                f"(a header may have {MOST_IN_HEADER:,})"
            )
        header = parse(stream.read(length), f"the header of {path.name}")
    if not isinstance(header, dict):
        refuse(f"the header of {path.name} is no JSON object")
    header.pop("__metadata__", None)
    claims = {name: _claim(path.name, name, said, 8 + length) for name, said in header.items()}
    at = 8 + length
    for name, claim in sorted(claims.items(), key=lambda item: (item[1].start, item[1].stop)):
        if claim.start != at:
            refuse(f"in {path.name} the tensor {shown(name)} begins at byte {claim.start:,}, not {at:,}")
        at = claim.stop
    if at != size:
        refuse(f"{path.name} is torn: its tensors need {at:,} bytes, the file has {size:,}")
    return claims


def _claim(file: str, name: str, said: Any, data: int) -> Claim:
    if not isinstance(said, dict) or set(said) != {"dtype", "shape", "data_offsets"}:
        refuse(f"the header of {file} says of {shown(name)} something else than dtype, shape and data_offsets")
    kind, shape, offsets = said["dtype"], said["shape"], said["data_offsets"]
    if not isinstance(kind, str) or kind not in BYTES:
        refuse(f"in {file} the tensor {shown(name)} is of dtype {shown(kind)}; allowed are {', '.join(BYTES)}")
    for what, values in (("shape", shape), ("data_offsets", offsets)):
        whole = isinstance(values, list) and all(isinstance(one, int) and one >= 0 for one in values)
        if not whole or any(isinstance(one, bool) for one in values) or len(values) > 8:
            refuse(f"in {file} the {what} of {shown(name)} is {shown(values)}, not a few whole numbers")
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * BYTES[kind]:
        refuse(f"in {file} the tensor {shown(name)} of {shown(shape)} does not fit its bytes {shown(offsets)}")
    return Claim(kind=kind, shape=tuple(shape), start=data + offsets[0], stop=data + offsets[1])


def check_shapes(file: str, claims: Mapping[str, Claim], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Whether these tensors, and no others, are there, float32.

    Raises:
        ArtefactError: one is missing, unknown, or of another shape or kind.
    """
    if absent := sorted(set(wanted) - set(claims)):
        refuse(f"{file} lacks the tensor {shown(absent[0])} ({len(absent)} of this kind) that its config.json asks for")
    if unknown := sorted(set(claims) - set(wanted)):
        refuse(f"{file} holds the tensor {shown(unknown[0])} ({len(unknown)} of this kind) that its config.json lacks")
    for name, shape in wanted.items():
        if claims[name].shape != shape or claims[name].kind != "F32":
            found = f"{claims[name].kind} {list(claims[name].shape)}"
            refuse(f"in {file} the tensor {shown(name)} is {found}; its config.json asks for F32 {list(shape)}")


def check_finite(path: Path, claims: Mapping[str, Claim]) -> None:
    """Whether all numbers are; the file is mapped, never read as a whole.

    Raises:
        ArtefactError: one is not; names its tensor.
    """
    for name, claim in claims.items():
        count = math.prod(claim.shape)
        if claim.kind != "F32" or not count:
            continue
        values = np.memmap(path, "<u1", "r", offset=claim.start, shape=(claim.stop - claim.start,))
        for start in range(0, count, CHUNK):
            part = np.frombuffer(values[4 * start : 4 * min(start + CHUNK, count)], "<f4")
            if not np.isfinite(part).all():
                refuse(f"in {path.name} the tensor {shown(name)} holds a number that is not finite")
