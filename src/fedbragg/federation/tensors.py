"""A model's tensors in the safetensors format, for checkpoints and for messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FederationError
from fedbragg.types import State

REAL = "fiub"
"""The kinds of numpy type that a model may hold: floats, integers and booleans."""
NUMPY = {"F": "float", "I": "int", "U": "uint"}
"""First letters of safetensors' types, and numpy's names for them; both end in the number of bits."""
RESERVED = "__metadata__"
"""The one name that safetensors does not allow for a tensor."""


def encode_tensors(tensors: State) -> bytes:
    """Return tensors as a safetensors document; raise FederationError for a name or type that it cannot hold."""
    from safetensors import SafetensorError
    from safetensors.numpy import save

    # Not ascontiguousarray, which turns a tensor without dimensions into one of shape (1,).
    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    if RESERVED in arrays:
        raise FederationError(f"a tensor cannot have the name {RESERVED!r}; rename it")
    try:
        return save(_checked(arrays))
    except (SafetensorError, TypeError, UnicodeError) as error:
        raise FederationError(f"tensors cannot be stored: {error}") from None


def decode_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a document, writable; raise FederationError where it is damaged."""
    from safetensors.numpy import load

    with _errors_explained():
        return _checked(load(data))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file, writable; raise FederationError where it is damaged, OSError without a file."""
    from safetensors.numpy import load_file

    with _errors_explained(f"{path}: "):
        return _checked(load_file(path))


def read_shapes(path: Path) -> dict[str, tuple[str, list[int]]]:
    """Return numpy's type and the shape of each tensor of a file, read from its head; raise as read_tensors does."""
    from safetensors import safe_open

    with _errors_explained(f"{path}: "), safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return {name: (_numpy_type(each.get_dtype()), each.get_shape()) for name, each in tensors.items()}


def _numpy_type(code: str) -> str:
    """Return numpy's name for safetensors' type: float32 for F32."""
    return "bool" if code == "BOOL" else np.dtype(NUMPY[code[0]] + code[1:]).name


@contextmanager
def _errors_explained(where: str = "") -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    # All but the first come from numpy, for a type or a shape that it does not have.
    except (SafetensorError, AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise FederationError(f"{where}tensors cannot be read: {error}") from None


def _checked(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors; raise TypeError unless all of them hold real numbers."""
    for name, tensor in tensors.items():
        if tensor.dtype.kind not in REAL:
            raise TypeError(f"{name!r} has type {tensor.dtype}, and a model holds real numbers only")
    return tensors
