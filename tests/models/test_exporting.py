"""An exported graph answers as its network, holds the weights by name, and is used again for other weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from fedbragg.learn.state import state_of
from fedbragg.models import exporting
from fedbragg.models.exporting import Signature, exported
from fedbragg.models.weights import weights_in

SIGNATURE = Signature((torch.zeros(2, 3),), ({0: torch.export.Dim("rows")},), ["x"], ["y"], "inner")


class Network(nn.Module):
    """Two layers with a normalisation that a simplifier would fold into the first."""

    def __init__(self, seed: int, slope: float = 1.0, answers: int = 2) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.inner = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, answers))
        self.inner[1].running_mean += torch.arange(4)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * self.inner(x)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patterns") / "pattern.onnx"
    onnx.save(exported(Network(1), SIGNATURE), str(path))
    return path


@pytest.fixture
def no_tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was traced")

    monkeypatch.setattr(exporting, "_traced", refuse)


def answer(model: Any, x: Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x.numpy()})[0])


def test_an_exported_graph_answers_as_its_network_without_the_exporters_notes(pattern: Path) -> None:
    model = onnx.load(str(pattern))
    parts = (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.initializer)
    assert not [part.name for part in parts if part.metadata_props or part.doc_string]
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(answer(model, x), Network(1).eval()(x).detach(), atol=1e-6)


def test_a_graph_holds_the_trained_weights_by_name(pattern: Path) -> None:
    held = weights_in(onnx.load(str(pattern)))
    for name, array in state_of(Network(1).inner).items():
        if array.dtype.kind == "f":
            np.testing.assert_array_equal(held[name], array)


@pytest.mark.usefixtures("no_tracing")
def test_a_network_of_other_weights_takes_the_graph_of_the_pattern(pattern: Path) -> None:
    network = Network(2).eval()
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(
        answer(exported(network, SIGNATURE, pattern), x), network(x).detach(), atol=1e-6
    )


@pytest.mark.usefixtures("no_tracing")
def test_a_network_with_another_number_of_answers_takes_the_graph_of_the_pattern(pattern: Path) -> None:
    network = Network(2, answers=5).eval()
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    model = exported(network, SIGNATURE, pattern)
    np.testing.assert_allclose(answer(model, x), network(x).detach(), atol=1e-6)
    onnx.checker.check_model(model, full_check=True)
    assert [axis.dim_value for axis in model.graph.output[0].type.tensor_type.shape.dim] == [0, 5]


def test_a_network_that_answers_otherwise_is_traced_although_its_weights_fit(pattern: Path) -> None:
    network = Network(2, slope=1.1).eval()
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(
        answer(exported(network, SIGNATURE, pattern), x), network(x).detach(), atol=1e-6
    )


def test_a_network_with_other_outputs_is_traced(pattern: Path) -> None:
    other = Signature(SIGNATURE.example, SIGNATURE.dynamic, ["x"], ["z"], "inner")
    assert [value.name for value in exported(Network(2), other, pattern).graph.output] == ["z"]


def test_a_pattern_that_is_missing_is_no_error(tmp_path: Path) -> None:
    assert exported(Network(1), SIGNATURE, tmp_path / "none.onnx").graph.node
