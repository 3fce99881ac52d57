"""What travels between a site and the server, as bytes: a JSON head, then raw tensors. Nothing is executed.

A message is a length (4 bytes, little endian), that many bytes of JSON, and the tensors one after the other, each
padded to 8 bytes; the head lists their names, types and shapes. Reading checks all of it against the length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FederationError
from fedbragg.federation.quantise import QuantisedTensor
from fedbragg.federation.wire import EncodedUpdate

TYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
ALIGNMENT = 8
LARGE = 1 << 20
"""Bytes from which a message may take so long that no sign of life gets past it."""
TENSORS = "tensors"  # the one key of the head that is not the sender's


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """Named fields, and named tensors."""

    fields: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def encode_message(message: Message) -> bytes:
    """Return a message as it travels."""
    arrays = {name: np.asarray(tensor, order="C") for name, tensor in message.tensors.items()}
    listed = [[name, str(array.dtype), list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({**message.fields, TENSORS: listed}).encode()
    head += b" " * (-(len(head) + 4) % ALIGNMENT)
    parts: list[Any] = [len(head).to_bytes(4, "little"), head]
    for array in arrays.values():
        parts += [array.reshape(-1).view(np.uint8).data, bytes(-array.nbytes % ALIGNMENT)]
    return b"".join(parts)


def is_large(data: bytes | memoryview) -> bool:
    """Say whether a message may hold up those behind it."""
    return len(data) >= LARGE


def decode_message(data: bytes | memoryview) -> Message:
    """Return the message that bytes stand for, its tensors still in them; raise FederationError if they are none."""
    view = memoryview(data).cast("B")
    try:
        end = 4 + int.from_bytes(view[:4], "little")
        head = json.loads(bytes(view[4:end]))
        tensors, end = _tensors(head.pop(TENSORS), view, end)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FederationError(
            f"a message of {len(view)} bytes cannot be read ({error}); both sides must run the same version"
        ) from None
    if end != len(view):
        raise FederationError(f"a message of {len(view)} bytes is {end} bytes long by its own account")
    return Message(head, tensors)


def _tensors(listed: Any, view: memoryview, start: int) -> tuple[dict[str, NDArray[Any]], int]:
    tensors: dict[str, NDArray[Any]] = {}
    for name, dtype, shape in listed:
        if dtype not in TYPES or any(edge < 0 for edge in shape):
            raise ValueError(f"tensor {name!r} is {dtype} of shape {shape}")
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(view, dtype=np.dtype(dtype), count=count, offset=start) if count else None
        tensors[name] = np.zeros(shape, np.dtype(dtype)) if array is None else array.reshape(shape)
        start += tensors[name].nbytes + -tensors[name].nbytes % ALIGNMENT
    return tensors, start


def update_message(encoded: EncodedUpdate, request: str) -> Message:
    """Return an update's message: the fields of Update, and which request it answers."""
    quantised = {name: t for name, t in encoded.tensors.items() if isinstance(t, QuantisedTensor)}
    fields = {
        "request": request,
        "site": encoded.site,
        "version": encoded.version,
        "samples": encoded.samples,
        "label_counts": encoded.label_counts,
        "loss": encoded.loss,
        "packed": {name: [t.length, list(t.shape), t.bits] for name, t in quantised.items()},
    }
    return Message(
        fields,
        {name: t.codes if isinstance(t, QuantisedTensor) else t for name, t in encoded.tensors.items()},
    )


def update_of(message: Message) -> EncodedUpdate:
    """Return the update that a message holds; raise FederationError where a field is missing or unknown."""
    fields = dict(message.fields)
    try:
        fields.pop("request")
        quantised = fields.pop("packed")
        counts = tuple(tuple(int(count) for count in question) for question in fields.pop("label_counts"))
        tensors = {name: _tensor(tensor, quantised.get(name)) for name, tensor in message.tensors.items()}
        return EncodedUpdate(
            str(fields.pop("site")),
            int(fields.pop("version")),
            tensors,
            int(fields.pop("samples")),
            counts,
            float(fields.pop("loss")),
            **fields,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FederationError(
            f"an update cannot be read ({error}); both sides must run the same version"
        ) from None


def _tensor(tensor: NDArray[Any], how: Any) -> NDArray[Any] | QuantisedTensor:
    if how is None:
        return tensor
    length, shape, bits = how
    if bits not in (2, 4, 8) or tensor.dtype != np.uint8:
        raise ValueError(f"numbers of {bits} bits in {tensor.dtype}")
    if tensor.size != -(-int(np.prod(shape, dtype=np.int64)) * bits // 8):
        raise ValueError(f"{tensor.size} bytes for shape {shape} of {bits} bits")
    return QuantisedTensor(float(length), tensor, tuple(int(edge) for edge in shape), bits)
