import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from fedbragg.errors import ModelFileError
from fedbragg.learn.state import state_of
from fedbragg.models.onnx_file import write_with_card
from fedbragg.tasks.tags.learner import network_of, new_network
from fedbragg.tasks.tags.model_card import TagCard
from fedbragg.tasks.tags.model_file import Tagger
from fedbragg.tasks.tags.prepare import view_of
from fedbragg.types import Frame


def write(path: Path, channels: int, card: str) -> Path:
    """Write a model of one tag, whose probability is the mean of the light and whose beam is in the middle."""
    constants = {
        "light": np.eye(channels, 1, dtype=np.float32),
        "nowhere": np.zeros((channels, 2), np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["views"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "light"], ["probabilities"]),
            helper.make_node("MatMul", ["means", "nowhere"], ["beam"]),
        ],
        "tags",
        [helper.make_tensor_value_info("views", TensorProto.FLOAT, ["images", channels, 256, 256])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["images", 1]),
            helper.make_tensor_value_info("beam", TensorProto.FLOAT, ["images", 2]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    write_with_card(path, model, card)
    return path


def card_of_format(number: int) -> str:
    return json.dumps({**json.loads(TagCard(("ring",)).to_json()), "format": number})


@pytest.mark.parametrize(("number", "channels"), [(1, 3), (2, 4)])
def test_a_model_is_given_the_channels_of_its_format(tmp_path: Path, number: int, channels: int) -> None:
    view = view_of(Frame(np.full((256, 256), 7, np.int32), np.zeros((256, 256), bool), "", 0))
    tagger = Tagger(write(tmp_path / "model.onnx", channels, card_of_format(number)))
    assert tagger(view).probabilities[0] == pytest.approx(np.log1p(7 / 0.02) / 5, rel=1e-4)


def test_a_model_of_a_later_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="another version of fedbragg"):
        Tagger(write(tmp_path / "model.onnx", 4, card_of_format(3)))


def test_weights_say_how_many_channels_they_read() -> None:
    views, changed = (
        torch.rand(2, 4, 128, 128, generator=torch.Generator().manual_seed(1)).repeat(2, 1, 1, 1).split(2)
    )
    changed = changed.clone()
    changed[:, 3] += 0.5
    for channels, blind in ((3, True), (4, False)):
        network = network_of(state_of(new_network(5, 1, channels=channels)), 5).eval()
        assert torch.equal(network(views).logits, network(changed).logits) == blind
