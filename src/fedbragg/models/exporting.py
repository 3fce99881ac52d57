"""Write a network as an ONNX graph whose weights keep their names.

Exporting a network takes seconds, most of them spent on tracing and simplifying its graph. A network that differs from
one in a model file by its weights alone gets that file's graph instead, once both have given the same answers.
"""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ModelFileError
from fedbragg.models.onnx_file import session_of
from fedbragg.models.weights import fill
from fedbragg.types import State

if TYPE_CHECKING:
    from torch import Tensor, nn

CLOSE = 1e-3
"""Largest difference between the answers of a network and a graph that are the same but for rounding."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a network."""

    example: tuple[Any, ...]  # input tensors of plausible sizes
    dynamic: tuple[Any, ...]  # for each input, its axes of any length
    inputs: Sequence[str]
    outputs: Sequence[str]
    trained: str = ""  # name of the submodule whose weights the file holds; empty for all of the network


def exported(network: nn.Module, signature: Signature, pattern: Path | None = None) -> Any:
    """Return a network as an ONNX model, its weights named as in the state of the submodule that is trained.

    ``pattern`` is a model file whose graph is used where the network differs from it only by the weights and, say, by
    the number of its answers.
    """
    if pattern is not None and pattern.is_file():
        model = _from_pattern(network.eval(), signature, pattern)
        if model is not None:
            return model
    return _traced(network.eval(), signature)


def _from_pattern(network: nn.Module, signature: Signature, pattern: Path) -> Any | None:
    """Return the pattern with the network's weights, None where it does not answer as the network does."""
    import onnx

    model = onnx.load(str(pattern))
    del model.metadata_props[:]
    weights = network.get_submodule(signature.trained).state_dict()
    if not fill(model, {name: tensor.numpy() for name, tensor in weights.items()}):
        return None
    return model if _answers_alike(network, model, signature) else None


def _answers_alike(network: nn.Module, model: Any, signature: Signature) -> bool:
    import torch

    graph = model.graph
    if [value.name for value in (*graph.input, *graph.output)] != [*signature.inputs, *signature.outputs]:
        return False
    inputs = _random_like(signature.example)
    with torch.no_grad():
        answer = network(*inputs)
    expected = [part.numpy() for part in (answer if isinstance(answer, tuple) else (answer,))]
    _resize(graph, expected)
    given = {name: x.numpy() for name, x in zip(signature.inputs, inputs, strict=True)}
    try:
        found = session_of(model.SerializeToString(), 1).run(None, given)
    except Exception:  # sizes that the graph does not take; onnxruntime's errors share no base class
        return False
    return all(
        a.shape == b.shape and np.allclose(a, b, CLOSE, CLOSE) for a, b in zip(found, expected, strict=True)
    )


def _resize(graph: Any, outputs: Sequence[NDArray[Any]]) -> None:
    """Declare a graph's outputs with the sizes of these, and drop its record of inner tensors' sizes."""
    del graph.value_info[:]
    for value, output in zip(graph.output, outputs, strict=True):
        for axis, size in zip(value.type.tensor_type.shape.dim, output.shape, strict=False):
            if axis.HasField("dim_value"):
                axis.dim_value = size


def _random_like(example: tuple[Tensor, ...]) -> list[Tensor]:
    """Return inputs of the same shapes, real numbers drawn at random, whole numbers kept: they are places."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return [torch.rand(x.shape, generator=generator) if x.is_floating_point() else x for x in example]


def _traced(network: nn.Module, signature: Signature) -> Any:
    import onnx_ir
    import torch

    with _quiet():
        program = torch.onnx.export(
            network,
            signature.example,
            dynamo=True,
            dynamic_shapes=signature.dynamic,
            input_names=signature.inputs,
            output_names=signature.outputs,
            optimize=False,  # simplified below, where the weights are spared
            verbose=False,
        )
        if program is None:
            raise ModelFileError("the network could not be exported to ONNX.")
        _simplify(program.model, network.get_submodule(signature.trained).state_dict(), signature.trained)
    model = onnx_ir.to_proto(program.model)
    _strip_notes(model.graph)
    for function in model.functions:
        _strip_notes(function)
    return model


def _simplify(model: Any, state: State, trained: str) -> None:
    """Fold constants, but not the weights, which the simplifier sees as inputs; give these their own names."""
    import onnxscript.optimizer

    graph = model.graph
    prefix = f"{trained}." if trained else ""
    weights = {name: graph.initializers.get(prefix + name) for name in state}
    held = {name: (value, value.const_value) for name, value in weights.items() if value is not None}
    for value, _ in held.values():
        del graph.initializers[value.name]
        value.const_value = None
        graph.inputs.append(value)
    onnxscript.optimizer.optimize(model)
    for name, (value, tensor) in held.items():
        graph.inputs.remove(value)
        value.name, value.const_value = name, tensor
        tensor.name = name
        graph.initializers[name] = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter, which reports, for example, that torchvision is missing, which is not used."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's own use of its own deprecated names
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.filterwarnings("ignore", "# The axis name: ")  # several inputs may share an axis
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _strip_notes(graph: Any) -> None:
    """Remove the exporter's notes, such as stack traces, from a graph or function; they take 0.2 MB of a file."""
    values = [getattr(graph, field, ()) for field in ("input", "output", "value_info", "initializer")]
    for part in (graph, *graph.node, *itertools.chain.from_iterable(values)):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for attribute in itertools.chain.from_iterable(node.attribute for node in graph.node):
        for branch in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            _strip_notes(branch)
