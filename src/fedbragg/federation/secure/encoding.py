"""The messages of a masked sum as JSON and arrays, for any network; bytes are base64 in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from fedbragg.errors import FederationError
from fedbragg.federation.secure.fixed_point import Vector
from fedbragg.federation.secure.messages import (
    Advert,
    Keys,
    MaskedVector,
    OpenedShares,
    Refusal,
    SealedShares,
    ServerMessage,
    Shares,
    Signatures,
    SignedList,
    SiteMessage,
    Survivors,
)
from fedbragg.types import State

AnyMessage = Advert | ServerMessage | SiteMessage
KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Advert, Keys, Shares, Survivors, Signatures, SealedShares, SignedList, OpenedShares, Refusal)
}
ADAPTERS = {name: TypeAdapter[Any](kind) for name, kind in KINDS.items()}
VECTOR = MaskedVector.__name__
NUMBERS, COUNTS = "numbers", "counts"


def encoded(message: AnyMessage) -> tuple[dict[str, Any], State]:
    """Return a message's kind and fields as JSON, and its arrays."""
    if isinstance(message, MaskedVector):
        return {"kind": VECTOR}, {NUMBERS: message.vector.numbers, COUNTS: message.vector.counts}
    kind = type(message).__name__
    return {"kind": kind, "content": json.loads(ADAPTERS[kind].dump_json(message))}, {}


def decoded(fields: Mapping[str, Any], arrays: State) -> AnyMessage:
    """Return the message of fields and arrays; raise FederationError where they hold no message."""
    kind = fields.get("kind")
    if kind == VECTOR:
        return MaskedVector(_vector(arrays))
    if kind not in ADAPTERS or arrays:
        raise FederationError(f"a masked sum has no message {str(kind)[:40]!r}")
    try:
        message: AnyMessage = ADAPTERS[kind].validate_json(json.dumps(fields.get("content")))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise FederationError(
            f"a message of a masked sum cannot be read ({where}: {problem['msg']})"
        ) from None
    return message


def nbytes(message: AnyMessage) -> int:
    """Return the bytes of a message's JSON and arrays."""
    fields, arrays = encoded(message)
    return len(json.dumps(fields)) + sum(array.nbytes for array in arrays.values())


def _vector(arrays: State) -> Vector:
    numbers, counts = arrays.get(NUMBERS), arrays.get(COUNTS)
    if (
        len(arrays) != 2
        or numbers is None
        or counts is None
        or (numbers.dtype, counts.dtype) != (np.dtype(np.uint32), np.dtype(np.uint64))
    ):
        raise FederationError(
            "a masked vector must hold numbers (uint32) and counts (uint64), and nothing else"
        )
    return Vector(numbers, counts)
