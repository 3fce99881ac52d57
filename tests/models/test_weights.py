"""Weights come back from a graph and its metadata as they were, also from files that hold them beside the graph."""

from __future__ import annotations

from base64 import b64encode

import numpy as np
import onnx
import onnx.parser
import pytest
from safetensors.numpy import save

from fedbragg.models.weights import NAMES, WEIGHTS, fill, read_weights, weight_entries, weights_in

GRAPH = """<ir_version: 9, opset_import: ["" : 17]>
weighted (float[n] x) => (float[n] y) <float[1] scale = {2.0}> { y = Mul(x, scale) }"""
STATE = {"scale": np.array([2], np.float32), "seen": np.array(7, np.int64)}


def test_a_weight_in_the_graph_is_not_kept_twice() -> None:
    model = onnx.parser.parse_model(GRAPH)
    entries = weight_entries(model, STATE)
    assert len(entries[WEIGHTS]) < len(b64encode(save(STATE)))
    found = read_weights(model, entries)
    assert list(found) == ["scale", "seen"]
    for name, array in STATE.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_a_weight_that_the_graph_has_otherwise_is_kept_beside_it() -> None:
    model = onnx.parser.parse_model(GRAPH)
    changed = STATE | {"scale": np.array([3], np.float32)}
    np.testing.assert_array_equal(read_weights(model, weight_entries(model, changed))["scale"], [3])


def test_weights_of_earlier_files_are_all_beside_the_graph() -> None:
    entries = {WEIGHTS: b64encode(save({"scale": np.array([5], np.float32)})).decode()}
    found = read_weights(onnx.parser.parse_model(GRAPH), entries)
    assert {name: array.tolist() for name, array in found.items()} == {"scale": [5.0]}


@pytest.mark.parametrize("text", ["not base64", b64encode(b"not safetensors").decode()])
def test_damaged_weights_raise(text: str) -> None:
    with pytest.raises(ValueError):
        read_weights(onnx.parser.parse_model(GRAPH), {WEIGHTS: text, NAMES: "[]"})


def test_a_graph_takes_other_weights() -> None:
    model = onnx.parser.parse_model(GRAPH)
    assert fill(model, STATE | {"scale": np.array([4], np.float32)})
    np.testing.assert_array_equal(weights_in(model)["scale"], [4])


def test_a_graph_that_lacks_a_weight_stays_as_it_is() -> None:
    model = onnx.parser.parse_model(GRAPH)
    assert not fill(model, {"scale": np.ones(1, np.float32), "more": np.ones(1)})
    np.testing.assert_array_equal(weights_in(model)["scale"], [2])
