"""The weights to train on in a model file: tensors of its ONNX graph under the network's own names.

A weight that the graph does not hold, such as a counter, is kept as safetensors in base64 in the metadata. Files
written before that hold every weight there.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import State

WEIGHTS = "fedbragg.weights"
"""The metadata that hold weights as safetensors."""
NAMES = "fedbragg.weight_names"
"""The metadata that name all weights, in order, as JSON; files without it hold them all in WEIGHTS."""


def weight_entries(model: Any, state: State) -> dict[str, str]:
    """Return the metadata from which, with the graph of ``model``, ``read_weights`` gets back the state."""
    from safetensors.numpy import save

    held = weights_in(model)
    outside = {
        name: np.asarray(array, order="C")
        for name, array in state.items()
        if name not in held or not _equal(held[name], array)
    }
    return {WEIGHTS: b64encode(save(outside)).decode(), NAMES: json.dumps(list(state))}


def read_weights(model: Any, entries: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return the weights of a model with these metadata; raise ValueError or KeyError where they do not fit."""
    from safetensors.numpy import load

    try:
        outside = load(b64decode(entries[WEIGHTS], validate=True))
    except Exception as error:  # safetensors' errors and base64's share no base class
        raise ValueError(str(error)) from None
    if NAMES not in entries:
        return outside
    held = weights_in(model) | outside
    return {name: held[name] for name in json.loads(entries[NAMES])}


def weights_in(model: Any) -> dict[str, NDArray[Any]]:
    """Return the tensors in a model's graph by name."""
    from onnx import numpy_helper

    return {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}


def fill(model: Any, state: State) -> bool:
    """Give a model's graph other weights, also of other sizes; return False, and change nothing, where it lacks one.

    Counters, which are whole numbers, are no part of a graph.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    wanted = {name: np.asarray(array) for name, array in state.items() if array.dtype.kind == "f"}
    if not wanted.keys() <= tensors.keys():
        return False
    for name, array in wanted.items():
        tensors[name].CopyFrom(numpy_helper.from_array(array, name))
    return True


def _equal(held: NDArray[Any], array: NDArray[Any]) -> bool:
    return held.dtype == array.dtype and held.shape == array.shape and held.tobytes() == array.tobytes()
