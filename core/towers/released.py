"""Weights out of a whole module that torch.save wrote, without running anything that the file names.

torchxrayvision's releases are such files, of the time before torch 1.6. torch's own ``weights_only`` refuses their
form, whichever classes it is told to allow: they name classes in a place where it takes storages alone. So the file is
read with the standard library's unpickler, for which each name in it means an inert stand-in: nothing of torch, of
torchxrayvision or of this machine is called. A name that no weights need is refused.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
KINDS: dict[str, Any] = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
INERT = ("torch.nn.", "torchxrayvision.", "numpy.")
"""Parts of modules, and numbers beside them."""

Storages = dict[str, NDArray[Any]]
"""All numbers of a file, by the keys that it gives them."""

UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    EOFError,
    StopIteration,
    KeyError,
    AttributeError,
    TypeError,
    IndexError,
    ValueError,
)
"""What the standard library and torn files raise."""


class Part:
    """Stands for an object of any class: keeps what the file says of it."""

    def __init__(self, *given: Any) -> None:
        """Whatever it would be made from."""

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {})


@dataclass(frozen=True)
class View:
    """A tensor: where it lies in which storage."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def view(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> View:
    return View(storage, offset, tuple(shape), tuple(strides))


def parameter(data: Any, *_: Any) -> Any:
    return data


class Reader(pickle.Unpickler):
    """Knows the names that weights need, each as something inert; notes the storages, in the order of the file."""

    def __init__(self, stream: Any, encoding: str) -> None:
        super().__init__(stream, encoding=encoding)
        self.storages: list[tuple[str, Any]] = []

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("__builtin__", "set"): set,
            ("builtins", "set"): set,
            ("torch._utils", "_rebuild_tensor"): view,
            ("torch._utils", "_rebuild_tensor_v2"): view,
            ("torch._utils", "_rebuild_parameter"): parameter,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in KINDS:
            return name
        if module.startswith(INERT) and "." not in name:
            return Part
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no weights need; nothing of it was run")

    def persistent_load(self, pid: Any) -> Any:
        """A storage; or, in old files, a class with its source."""
        if pid[0] == "module":
            return pid[1]
        if pid[0] != "storage" or pid[1] not in KINDS or (len(pid) > 5 and pid[5] is not None):
            raise pickle.UnpicklingError(f"it has a part of an unknown kind ({str(pid[0])[:40]})")
        self.storages.append((str(pid[2]), KINDS[pid[1]]))
        return str(pid[2])


def read(path: Path) -> dict[str, Tensor]:
    """The weights and buffers in a file of a whole module, or of its ``state_dict``.

    Raises:
        ValueError: not such a file, torn, or with something in it that no weights need.
    """
    try:
        root, storages = _read_zip(path) if zipfile.is_zipfile(path) else _read_old(path)
        return {name: _tensor(part, storages) for name, part in _named(root, "")}
    except UNREADABLE as error:
        raise ValueError(f"{path.name} holds no weights that can be read: {error}") from error


def _read_zip(path: Path) -> tuple[Any, Storages]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        place = next(name for name in names if name.endswith("/data.pkl")).removesuffix("data.pkl")
        reader = Reader(io.BytesIO(archive.read(f"{place}data.pkl")), encoding="utf-8")
        root = reader.load()
        return root, {key: np.frombuffer(archive.read(f"{place}data/{key}"), kind) for key, kind in reader.storages}


def _read_old(path: Path) -> tuple[Any, Storages]:
    with path.open("rb") as stream:
        if _next(stream)[0] != MAGIC or _next(stream)[0] != VERSION:
            raise ValueError("it does not begin as torch's files do")
        _next(stream)  # about the machine that wrote it: its numbers are little-endian, as everywhere that torch runs
        (root, reader), (keys, _) = _next(stream), _next(stream)
        kinds = dict(reader.storages)
        return root, {key: _numbers(stream, kinds[key]) for key in keys}


def _next(stream: BinaryIO) -> tuple[Any, Reader]:
    reader = Reader(stream, encoding="utf-8")
    return reader.load(), reader


def _numbers(stream: BinaryIO, kind: Any) -> NDArray[Any]:
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * np.dtype(kind).itemsize), kind, count)


def _named(part: Any, prefix: str) -> Iterator[tuple[str, View]]:
    """As ``state_dict`` names them."""
    if isinstance(part, dict):
        yield from ((f"{prefix}{name}", one) for name, one in part.items() if isinstance(one, View))
        return
    passing = getattr(part, "_non_persistent_buffers_set", ())
    yield from _named(part._parameters, prefix)
    yield from _named({name: one for name, one in part._buffers.items() if name not in passing}, prefix)
    for name, child in part._modules.items():
        if child is not None:
            yield from _named(child, f"{prefix}{name}.")


def _tensor(found: View, storages: Storages) -> Tensor:
    numbers = storages[found.storage]
    last = found.offset + sum((length - 1) * step for length, step in zip(found.shape, found.strides, strict=True))
    if min(found.offset, *found.strides, 0) < 0 or (0 not in found.shape and last >= len(numbers)):
        raise ValueError("a tensor reaches beyond its storage")
    return torch.from_numpy(numbers.copy()).as_strided(found.shape, found.strides, found.offset).contiguous()
