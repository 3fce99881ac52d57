"""What travels: read back exactly, and refused where it is not what it says."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fedbragg.config import FederationSettings
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import (
    TYPES,
    Message,
    decode_message,
    encode_message,
    update_message,
    update_of,
)
from fedbragg.federation.wire import decode, encode
from fedbragg.types import Update

TENSORS = st.dictionaries(
    st.text(max_size=8),
    st.sampled_from(TYPES).flatmap(
        lambda t: arrays.arrays(np.dtype(t), arrays.array_shapes(min_dims=0, min_side=0))
    ),
    max_size=4,
)


def update(**changed: Any) -> Update:
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7, dtype=np.int64)}
    told = {
        "site": "x",
        "version": 3,
        "tensors": tensors,
        "samples": 9,
        "label_counts": ((4, 5),),
        "loss": 0.5,
    }
    return Update(**{**told, **changed})


def travelled(what: Update, **rules: Any) -> Update:
    encoded = encode(what, FederationSettings(**rules), np.random.default_rng(1))
    return decode(update_of(decode_message(encode_message(update_message(encoded, "e-1")))))


@given(TENSORS)
def test_tensors_come_back_bit_for_bit(tensors: dict[str, np.ndarray]) -> None:
    back = decode_message(encode_message(Message({"k": 1}, tensors)))
    assert back.fields == {"k": 1}
    assert back.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back.tensors[name].dtype == tensor.dtype
        assert back.tensors[name].shape == tensor.shape
        assert back.tensors[name].tobytes() == tensor.tobytes()


@given(st.binary(max_size=200))
def test_noise_is_refused_and_never_executed(noise: bytes) -> None:
    with pytest.raises(FederationError):
        decode_message(noise)


@given(st.data())
def test_a_message_cut_short_or_prolonged_is_refused(data: st.DataObject) -> None:
    whole = encode_message(Message({}, {"a": np.arange(5, dtype=np.float32)}))
    length = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:length], whole + b"\0"):
        with pytest.raises(FederationError):
            decode_message(wrong)


def test_an_object_is_no_tensor() -> None:
    with pytest.raises(FederationError, match="object"):
        decode_message(
            encode_message(Message({}, {"a": np.array([1], dtype=object).astype("float32")})).replace(
                b"float32", b"object "
            )
        )


def test_the_message_of_an_update_has_its_fields_and_the_request() -> None:
    encoded = encode(update(), FederationSettings(), np.random.default_rng(1))
    named = {field.name for field in fields(Update)}
    assert set(update_message(encoded, "e").fields) | {"tensors"} == named | {"request", "packed"}


@pytest.mark.parametrize(
    ("travel", "bits", "size"), [("full", 8, 24), ("half", 8, 12), ("quantised", 8, 6), ("quantised", 2, 2)]
)
def test_an_update_arrives_as_the_local_engine_hands_it_over(travel: str, bits: int, size: int) -> None:
    rules = {"compression": travel, "compression_bits": bits}
    encoded = encode(update(), FederationSettings(**rules), np.random.default_rng(1))
    back = travelled(update(), **rules)
    there = decode(encoded)
    assert update_message(encoded, "e").tensors["a"].nbytes == size
    assert (back.site, back.version, back.samples, back.label_counts, back.loss) == (
        "x",
        3,
        9,
        ((4, 5),),
        0.5,
    )
    assert all(np.array_equal(back.tensors[name], there.tensors[name]) for name in there.tensors)


def test_a_loss_that_is_no_number_arrives_to_be_refused_with_the_reason() -> None:
    assert np.isnan(travelled(update(loss=float("nan"))).loss)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/data/secret"},
        {"samples": None},
        {"label_counts": [["many"]]},
        {"packed": {"a": [1.0, [10**9], 8]}},
        {"packed": {"a": [1.0, [2, 3], 3]}},
    ],
)
def test_an_update_with_more_or_other_fields_is_refused(change: dict[str, Any]) -> None:
    encoded = encode(update(), FederationSettings(compression="quantised"), np.random.default_rng(1))
    message = update_message(encoded, "e")
    with pytest.raises(FederationError, match="cannot be read"):
        update_of(Message({**message.fields, **change}, message.tensors))
