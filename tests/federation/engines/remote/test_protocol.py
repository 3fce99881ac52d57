"""Messages are read back exactly; damaged ones and those of another version are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fedbragg.errors import FederationError, ProtocolMismatchError
from fedbragg.federation.engines.remote.protocol import (
    LARGEST_HEAD,
    PROTOCOL,
    Message,
    decode_message,
    encode_message,
    split_message,
)

TYPES = (
    ["float16", "float32", "float64", "bool"]
    + [f"int{bits}" for bits in (8, 16, 32, 64)]
    + [f"uint{bits}" for bits in (8, 16, 32, 64)]
)
TENSORS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(TYPES).flatmap(
        lambda name: arrays.arrays(np.dtype(name), arrays.array_shapes(min_dims=0, min_side=0))
    ),
    max_size=4,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.text(max_size=9), JSON, max_size=4)


def message_with_head(head: bytes, body: bytes = b"") -> bytes:
    return len(head).to_bytes(4, "little") + head + body


@settings(deadline=None)
@given(FIELDS, TENSORS)
def test_fields_and_tensors_are_read_back_bit_for_bit(
    fields: dict[str, Any], tensors: dict[str, np.ndarray]
) -> None:
    back = decode_message(memoryview(encode_message(Message(fields, tensors))))
    assert back.fields == fields
    assert back.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back.tensors[name].dtype == tensor.dtype
        assert back.tensors[name].shape == tensor.shape
        assert back.tensors[name].tobytes() == tensor.tobytes()
        assert back.tensors[name].flags.writeable


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(FederationError):
        decode_message(noise)


@settings(deadline=None)
@given(st.data())
def test_a_message_that_is_cut_short_or_longer_is_refused(data: st.DataObject) -> None:
    whole = encode_message(Message({"k": 1}, {"a": np.arange(5, dtype=np.float32)}))
    # Cut right behind its head it is a complete message without tensors.
    head = 4 + int.from_bytes(whole[:4], "little")
    length = data.draw(st.integers(0, len(whole) - 1).filter(lambda length: length != head))
    for wrong in (whole[:length], whole + b"\0"):
        with pytest.raises(FederationError):
            decode_message(wrong)


@settings(deadline=None)
@given(st.data())
def test_a_message_with_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(encode_message(Message({"k": [1, "x"]}, {"a": np.arange(5), "b": np.array(True)})))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FederationError):
        decode_message(bytes(whole))


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_a_message_of_another_version_is_refused_with_both_versions(version: Any) -> None:
    head = json.dumps({"protocol": version, "a later version": "may differ from here on"}).encode()
    with pytest.raises(ProtocolMismatchError) as refusal:
        decode_message(message_with_head(head, b"in any format"), "the server", "this site")
    assert str(refusal.value) == (
        f"the server uses protocol version {version}, this site version {PROTOCOL}; "
        "install the same version of fedbragg on all machines of the federation"
    )


def test_a_message_without_a_version_is_one_of_version_1() -> None:
    """As commit 47f1385 wrote them: length, JSON head with a list of tensors, raw tensors."""
    head = json.dumps({"life": "5f0c", "tensors": []}).encode()
    with pytest.raises(ProtocolMismatchError, match="the site uses protocol version 1, the server version 2"):
        decode_message(message_with_head(head), "the site", "the server")


@pytest.mark.parametrize(
    "head",
    [
        b"[]",
        b"\xff\xfe",
        b'{"protocol": 2}',
        b'{"protocol": 2, "fields": []}',
        b'{"protocol": 2, "fields": {}, "path": "/data"}',
        b'{"protocol": 2, "fields": ' + b"[" * 100_000,
        b'{"protocol": 2, "fields": {"n": ' + b"1" * 5000 + b"}}",
    ],
    ids=[
        "list",
        "no text",
        "no fields",
        "fields of another type",
        "more keys",
        "deeply nested",
        "huge number",
    ],
)
def test_a_head_of_another_form_is_refused(head: bytes) -> None:
    with pytest.raises(FederationError):
        decode_message(message_with_head(head))


def test_a_head_that_is_too_long_is_refused_unread() -> None:
    head = b'{"protocol": 2, "fields": {"text": "' + b"x" * LARGEST_HEAD + b'"}}'
    with pytest.raises(FederationError, match="its head would end at byte"):
        decode_message(message_with_head(head))


def test_a_model_is_taken_out_of_a_message_without_copying_it() -> None:
    message = encode_message(Message({"k": 1}, {"a": np.arange(5)}))
    fields, body = split_message(message, "the server", "this site")
    assert fields == {"k": 1}
    assert body.obj is message
