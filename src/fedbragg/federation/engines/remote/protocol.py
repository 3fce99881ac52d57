"""The messages between the server and a site, as bytes: a JSON head, then tensors. Nothing in them is executed.

A message is the length of the head (4 bytes, little endian), the head (JSON with the protocol's version and the
message's fields), and, if it has tensors, a safetensors document up to the end. Every version starts with the length
and a JSON object, so a peer of another version is always recognised.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedbragg.errors import FederationError, ProtocolMismatchError
from fedbragg.federation.tensors import decode_tensors, encode_tensors
from fedbragg.types import State

PROTOCOL = 2
"""Version of the messages and of the accounts' commands. Version 1 had tensors in a format of its own."""
UNNUMBERED = 1
"""The version of a message that states none."""
LARGEST_HEAD = 4 << 20
"""Bytes of the longest head that is read; parsed JSON takes many times its length."""
LARGE = 1 << 20
"""From this many bytes on, a message on a slow link delays the messages behind it."""
PREFIX = 4  # bytes of the head's length


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """Named fields, and named tensors."""

    fields: Mapping[str, Any]  # JSON
    tensors: State = field(default_factory=dict)


def encode_message(message: Message) -> bytes:
    """Return a message as bytes; raise FederationError for tensors that cannot be sent."""
    head = json.dumps(versioned({"fields": message.fields})).encode()
    body = encode_tensors(message.tensors) if message.tensors else b""
    return b"".join([len(head).to_bytes(PREFIX, "little"), head, body])


def decode_message(
    data: bytes | memoryview, sender: str = "the sender", receiver: str = "the receiver"
) -> Message:
    """Return the message that bytes hold; ``sender`` and ``receiver`` name the two sides in an error.

    Raise ProtocolMismatchError for a message of another version, FederationError for a damaged one.
    """
    fields, body = split_message(data, sender, receiver)
    return Message(fields, decode_tensors(bytes(body)) if body else {})


def split_message(
    data: bytes | memoryview, sender: str, receiver: str
) -> tuple[Mapping[str, Any], memoryview]:
    """Return the fields of a message and the safetensors document behind them, which may be empty.

    Raise as decode_message does.
    """
    view = memoryview(data).cast("B")
    end = PREFIX + int.from_bytes(view[:PREFIX], "little")
    if not PREFIX < end <= min(len(view), PREFIX + LARGEST_HEAD):
        raise FederationError(f"a message of {len(view)} bytes is damaged: its head would end at byte {end}")
    try:
        head = json.loads(bytes(view[PREFIX:end]))
    except (ValueError, RecursionError) as error:
        raise FederationError(f"a message of {len(view)} bytes is damaged: {error}") from None
    if not isinstance(head, dict):
        raise FederationError(f"a message of {len(view)} bytes is damaged: its head is not a JSON object")
    check_protocol(head, sender, receiver)
    if head.keys() != {"protocol", "fields"} or not isinstance(head["fields"], dict):
        raise FederationError("the head of a message must hold protocol and fields, and nothing else")
    return head["fields"], view[end:]


def versioned(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON with the version of the protocol added."""
    return {"protocol": PROTOCOL, **content}


def check_protocol(content: Mapping[str, Any], sender: str, receiver: str) -> None:
    """Raise ProtocolMismatchError, which states both versions, unless JSON has the version of this side."""
    version = content.get("protocol", UNNUMBERED)
    if version != PROTOCOL:
        raise ProtocolMismatchError(
            f"{sender} uses protocol version {version}, {receiver} version {PROTOCOL}; "
            "install the same version of fedbragg on all machines of the federation"
        )


def is_large(data: bytes | memoryview) -> bool:
    """Return whether a message may delay those behind it."""
    return len(data) >= LARGE
