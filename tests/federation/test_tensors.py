"""Tensors are stored as safetensors and read back exactly; what cannot be stored or read is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("safetensors")

from fedbragg.errors import FederationError
from fedbragg.federation.tensors import decode_tensors, encode_tensors, read_shapes, read_tensors


def document(head: Any, data: bytes = b"") -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_the_layout_is_that_of_the_safetensors_format() -> None:
    """8 bytes of length, JSON, little-endian numbers: https://github.com/huggingface/safetensors#format"""
    data = encode_tensors({"w": np.array([[1.0, 2.0]], dtype=np.float32)})
    end = 8 + int.from_bytes(data[:8], "little")
    assert json.loads(data[8:end]) == {"w": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}
    assert data[end:] == bytes.fromhex("0000803f 00000040")


def test_views_zero_dimensions_and_other_byte_orders_keep_their_values(tmp_path: Path) -> None:
    tensors = {
        "view": np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
        "number": np.array(7),
        "empty": np.zeros((0, 3), dtype=np.float16),
        "big-endian": np.arange(3, dtype=">f8"),
    }
    data = encode_tensors(tensors)
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    for back in (decode_tensors(data), read_tensors(path)):
        for name, tensor in tensors.items():
            assert back[name].shape == tensor.shape
            assert np.array_equal(back[name], tensor)
            back[name][...] = 1  # a trainer may write into them
    assert path.read_bytes() == data


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
def test_shapes_are_those_of_the_tensors(kind: str, tmp_path: Path) -> None:
    tensors = {
        "weight": np.zeros((2, 3), kind),
        "number": np.zeros((), kind),
        "empty": np.zeros((0, 4), kind),
    }
    path = tmp_path / "model.safetensors"
    path.write_bytes(encode_tensors(tensors))
    assert read_shapes(path) == {name: (str(t.dtype), list(t.shape)) for name, t in tensors.items()}


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3"])
def test_shapes_of_types_that_numpy_lacks_are_refused(kind: str, tmp_path: Path) -> None:
    size = 2 if kind == "BF16" else 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(document({"a": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}, bytes(size)))
    with pytest.raises(FederationError, match="tensors cannot be read"):
        read_shapes(path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"a": np.array([None])},
        {"a": np.array(["text"])},
        {"a": np.array([1j])},
        {"a": np.array([1], dtype="M8[s]")},
        {"a": np.array([1], dtype=np.longdouble)},
        {"__metadata__": np.zeros(2)},
        {"\ud800": np.zeros(2)},
    ],
    ids=["object", "text", "complex", "time", "long double", "reserved name", "surrogate in the name"],
)
def test_tensors_that_the_format_cannot_hold_are_refused(tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(FederationError):
        encode_tensors(tensors)


def entry(dtype: str, shape: list[int], end: int) -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}


DAMAGED = {
    "nothing": b"",
    "no head": bytes(20),
    "no JSON": document(b"["),
    "complex numbers": document(entry("C64", [1], 8), bytes(8)),
    "a type that numpy lacks": document(entry("BF16", [1], 2), bytes(2)),
    "a type of four bits": document(entry("F4", [4], 2), bytes(2)),
    "a larger shape than data": document(entry("F32", [2**40], 4), bytes(4)),
    "a shape beyond any memory": document(entry("F32", [0, 2**62], 0)),
    "a shape beyond 64 bits": document(entry("F32", [0, 2**63], 0)),
    "more data than tensors": document(entry("F32", [1], 4), bytes(8)),
    "a hole": document({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, bytes(2)),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_documents_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(FederationError):
        decode_tensors(data)
    with pytest.raises(FederationError, match=r"model\.safetensors: tensors cannot be read"):
        read_tensors(path)


@settings(deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=30))
def test_any_document_is_read_or_refused(head: bytes, data: bytes) -> None:
    with suppress(FederationError):
        decode_tensors(document(head, data))
