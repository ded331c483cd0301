"""The kinds of files that hold arrays. Nothing in such a file is executed: no pickle, whatever its name."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

MOST_BYTES = 2 * 1024**3
"""A file, or what is packed in it, may be so large: everything is read into memory at once."""

_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    SyntaxError,  # numpy's header is no literal
    tokenize.TokenError,  # ... and is cut
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy raises on a file that is cut, damaged, or something else; objects that want pickle are a ValueError."""


def read_arrays(path: Path) -> Any:
    """What a file of one of ``READERS`` holds: an array, or a dict of names to arrays (and to lists, from torch).

    Raises:
        InputError: no such file, too large, damaged, or with pickled objects or code in it; names no path.
    """
    suffix = path.suffix.lower()
    check_size(path)
    try:
        return READERS[suffix](path)
    except _DAMAGED as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The {suffix} file cannot be read ({reason(error, path)}). It is damaged, holds objects instead of "
            "numbers, or is of another kind than its name says: save its numbers again."
        ) from error


def reason(error: BaseException, path: Path) -> str:
    """The first line of an error, without the file's name."""
    told = (error.strerror if isinstance(error, OSError) else None) or str(error)
    first = (told.strip().splitlines() or [""])[0] or type(error).__name__
    return first.replace(str(path), "the file").replace(path.name, "the file")[:200]


def check_size(path: Path) -> None:
    """Also of what is packed: a small archive may hold more than the memory does.

    Raises:
        InputError: there is no such file, it may not be read, or it is too large.
    """
    try:
        size = path.stat().st_size if path.is_file() else -1
        if size > 0 and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                size = max(size, sum(one.file_size for one in packed.infolist()))
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise InputError(f"The file cannot be opened ({reason(error, path)}).") from error
    if size < 0:
        raise InputError("There is no such file; give one that exists on this machine.")
    if size > MOST_BYTES:
        raise InputError(
            f"The file holds {size / 1e9:.1f} GB; up to {MOST_BYTES / 1e9:.1f} GB are read at once. Save the vectors "
            "that you want to compare in a file of their own."
        )


def _read_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as stream:  # given the path, numpy leaves a file open that it refuses
        found = np.load(stream, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError("it is an archive of arrays: call it .npz")
        return found


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as stream:
        packed = np.load(stream, allow_pickle=False)
        if isinstance(packed, np.ndarray):
            raise ValueError("it is one array: call it .npy")
        return {name: packed[name] for name in packed.files}


def _read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as opened:
            names = list(opened.keys())
            unknown = [name for name in names if opened.get_slice(name).get_dtype() == "BF16"]  # to numpy
            held = {name: opened.get_tensor(name) for name in names if name not in unknown}
        if unknown:
            with safe_open(path, framework="pt") as opened:
                held |= {name: opened.get_tensor(name).float().numpy() for name in unknown}
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return {name: held[name] for name in names}


def _read_torch(path: Path) -> Any:
    """A tensor, or a dict; whatever else stands in the file is refused by torch before it is made."""
    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's, the unpickler's, or the archive's: they have no class in common
        raise InputError(
            "The torch file holds more than tensors, or is damaged; it was not opened, and no code of it was run. "
            "Save the tensor alone: torch.save(vectors, FILE), or torch.save({'Edema': vector, ...}, FILE)."
        ) from error
    if isinstance(held, torch.Tensor):
        return _as_array(held)
    if not isinstance(held, dict):
        raise ValueError(f"it holds a {type(held).__name__}; a tensor, or a dict of names to tensors, is allowed")
    return {str(name): _as_array(one) if isinstance(one, torch.Tensor) else one for name, one in held.items()}


def _as_array(tensor: Any) -> NDArray[Any]:
    """Half precision becomes single; a tensor that repeats a few numbers for ever (stride 0) is refused by its size."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise ValueError(f"a tensor is {tensor.layout}, {tensor.dtype}, on {tensor.device}; it must be dense numbers")
    if tensor.numel() * 4 > MOST_BYTES:
        raise ValueError(f"a tensor of the shape {tuple(tensor.shape)} is too large")
    whole = tensor.detach().resolve_conj().resolve_neg()
    if whole.dtype.is_floating_point and whole.itemsize < 4:
        whole = whole.float()  # numpy has no bfloat16
    array: NDArray[Any] = whole.numpy()
    return array


READERS: dict[str, Callable[[Path], Any]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
}
