"""An update's message holds the named fields and nothing else, and gives the update back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message
from fedbragg.federation.engines.remote.update_message import UpdateFields, update_message, update_of
from fedbragg.federation.wire import decode, encode
from fedbragg.types import Update


def update(**changed: Any) -> Update:
    tensors = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.array(7, dtype=np.int64),
        "scale": np.array(0.5, dtype=np.float32),
        "none": np.zeros((0, 3), dtype=np.float32),
    }
    fields = {"samples": 9, "label_counts": ((4, 5),), "loss": 0.5}
    return Update(**{"site": "x", "version": 3, "tensors": tensors, **fields, **changed})


def message_of(update: Update, **rules: Any) -> Message:
    encoded = encode(update, FederationSettings(**rules), np.random.default_rng(1))
    return update_message(encoded, "r-1")


def sent(update: Update, **rules: Any) -> Update:
    request, encoded = update_of(decode_message(encode_message(message_of(update, **rules))))
    assert request == "r-1"
    return decode(encoded)


def test_the_message_has_the_fields_of_an_update_the_request_and_the_quantisers_numbers() -> None:
    named = {field.name for field in fields(Update)} | {"request", "quantised"}
    states = {"tensors", "style", "gradient"}
    assert set(message_of(update(steps=4)).fields) | states == named
    assert set(message_of(update()).fields) | states == named - {"steps"}  # where the rule does not ask
    assert set(UpdateFields.model_fields) | states == named


@pytest.mark.parametrize("compression", ["full", "half", "quantised"])
def test_a_gradient_and_the_steps_arrive_unchanged(compression: str) -> None:
    gradient = {"a": np.array([[0.1, -2.0, 3.0]], np.float32)}
    back = sent(update(gradient=gradient, steps=12), compression=compression)
    assert back.tensors.keys() == update().tensors.keys() and back.steps == 12
    np.testing.assert_array_equal(back.gradient["a"], gradient["a"])
    assert (sent(update()).gradient, sent(update()).steps) == ({}, 0)


@pytest.mark.parametrize("compression", ["full", "half", "quantised"])
def test_a_style_arrives_unchanged_and_apart_from_the_tensors(compression: str) -> None:
    style = {"statistics": np.array([[0.1, np.nan], [3.0, 4.0]], np.float32)}
    back = sent(update(style=style), compression=compression)
    assert back.tensors.keys() == update().tensors.keys() and back.style.keys() == {"statistics"}
    np.testing.assert_array_equal(back.style["statistics"], style["statistics"])
    assert sent(update()).style == {}


@pytest.mark.parametrize(
    ("compression", "bits", "size"),
    [("full", 8, 24), ("half", 8, 12), ("quantised", 8, 6), ("quantised", 4, 3), ("quantised", 2, 2)],
)
def test_an_update_arrives_as_the_local_engine_hands_it_over(compression: str, bits: int, size: int) -> None:
    rules = {"compression": compression, "compression_bits": bits}
    here = decode(encode(update(), FederationSettings(**rules), np.random.default_rng(1)))
    back = sent(update(), **rules)
    assert message_of(update(), **rules).tensors["a"].nbytes == size
    assert (back.site, back.version, back.samples, back.label_counts, back.loss) == (
        "x",
        3,
        9,
        ((4, 5),),
        0.5,
    )
    for name, tensor in here.tensors.items():
        assert np.array_equal(back.tensors[name], tensor)
        assert back.tensors[name].shape == update().tensors[name].shape


def test_a_loss_that_is_no_number_arrives_so_that_it_is_refused_with_the_reason() -> None:
    assert np.isnan(sent(update(loss=float("nan"))).loss)


def test_a_tensor_that_overflows_arrives_so_that_it_is_refused_with_the_reason() -> None:
    huge = sent(update(tensors={"a": np.full(4, 1e300)}), compression="quantised")
    assert not np.isfinite(huge.tensors["a"]).all()


QUANTISED = {"length": 1.0, "shape": [2, 3], "bits": 8}
HOSTILE = {
    "one more field": {"path": "/data/secret"},
    "no number of samples": {"samples": None},
    "a number as text": {"samples": "9"},
    "a negative number": {"samples": -1},
    "more samples than a double holds": {"samples": 10**400},
    "infinitely many samples": {"samples": float("inf")},
    "label counts as text": {"label_counts": [["many"]]},
    "a loss as text": {"loss": "0.5"},
    "no loss": {"loss": None},
    "a site that is no text": {"site": 7},
    "codes of another size": {"quantised": {"a": {**QUANTISED, "shape": [10**9]}}},
    "codes of 3 bits": {"quantised": {"a": {**QUANTISED, "bits": 3}}},
    "a negative shape": {"quantised": {"a": {**QUANTISED, "shape": [-2, -3]}}},
    "a shape whose product overflows": {"quantised": {"a": {**QUANTISED, "shape": [2**32, 2**32]}}},
    "too many dimensions": {"quantised": {"a": {**QUANTISED, "shape": [1] * 1000}}},
    "a norm that is no number": {"quantised": {"a": {**QUANTISED, "length": float("nan")}}},
    "one more field of the quantiser": {"quantised": {"a": {**QUANTISED, "path": "/data"}}},
    "codes that are not there": {"quantised": {"b": QUANTISED}},
    "codes of another type": {"quantised": {"n": {**QUANTISED, "shape": [8]}}},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_update_with_other_fields_is_refused(change: dict[str, Any]) -> None:
    message = message_of(update(), compression="quantised")
    with pytest.raises(FederationError, match="an update cannot be read"):
        update_of(Message({**message.fields, **change}, message.tensors))


@pytest.mark.parametrize("missing", sorted(UpdateFields.model_fields.keys() - {"steps"}))
def test_an_update_that_lacks_a_field_is_refused(missing: str) -> None:
    message = message_of(update())
    fewer = {name: value for name, value in message.fields.items() if name != missing}
    with pytest.raises(FederationError, match=missing):
        update_of(Message(fewer, message.tensors))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
NESTED = st.recursive(
    VALUES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v), max_leaves=6
)


@settings(deadline=None)
@given(st.sampled_from(sorted(UpdateFields.model_fields)), NESTED)
def test_any_value_of_a_field_is_read_or_refused(name: str, value: Any) -> None:
    message = message_of(update(), compression="quantised")
    with suppress(
        FederationError, ValueError, ArithmeticError
    ):  # the driver makes them a failure of the site
        decode(update_of(Message({**message.fields, name: value}, message.tensors))[1])
