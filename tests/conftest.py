"""What holds for every test, wherever it is started from."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs deaf to Ctrl-C, and the commands under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Several workers share the cores, and threads of torch's that wait for one another keep the others' cores busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")


# How long an example takes depends on what else runs; pytest's own limit ends a test that hangs.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

USE_RUNNING_SITES = (
    "test_broken_links.py",
    "test_killed_processes.py",
    "test_login.py",
    "test_no_foreign_code.py",
    "test_protocol_version.py",
    "test_same_as_local.py",
    "test_site_page.py",
)
"""Files that use the fixture ``running``, whose processes take long to start."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests in one worker, and all tests of the one running federation of real sites."""
    from xdist.scheduler import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    of_file = scheduling._split_scope

    def scope(nodeid: str) -> str:
        file: str = of_file(nodeid)
        return "real sites" if Path(file).name in USE_RUNNING_SITES else file

    scheduling._split_scope = scope
    return scheduling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start files with slow tests first, so that no core idles at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def tag_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tags model whose answers can be worked out by hand, with the weights of a new network to train on.

    The logit of each tag is ``TAG_SLOPE`` times the mean of the view's first channel plus that tag's offset, which
    falls evenly from 3 for the first tag to -3 for the last.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from fedbragg.learn.state import state_of
    from fedbragg.models.onnx_file import write_with_card
    from fedbragg.simulation.scattering.tag_names import TAGS
    from fedbragg.tasks.tags.learner import new_network
    from fedbragg.tasks.tags.model_card import TagCard

    slopes = np.zeros((4, len(TAGS)), np.float32)
    slopes[0] = TAG_SLOPE
    constants = {
        "slopes": slopes,
        "offsets": np.linspace(3, -3, len(TAGS), dtype=np.float32),
        "nowhere": np.zeros((4, 2), np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["views"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "slopes"], ["products"]),
        helper.make_node("Add", ["products", "offsets"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
        helper.make_node("MatMul", ["means", "nowhere"], ["beam"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tags",
        [helper.make_tensor_value_info("views", TensorProto.FLOAT, ["images", 4, 256, 256])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["images", len(TAGS)]),
            helper.make_tensor_value_info("beam", TensorProto.FLOAT, ["images", 2]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path = tmp_path_factory.mktemp("tags") / "tags-by-hand.onnx"
    write_with_card(path, model, TagCard(TAGS).to_json(), state_of(new_network(len(TAGS), 1)))
    return path


TAG_SLOPE = 2.0
"""Of the tags model made by hand."""


@pytest.fixture(scope="session")
def segment_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segments model whose answers can be worked out by hand, with the weights of a new network to train on.

    What is darker than a quarter of a picture's range is boundary, what is brighter than three quarters precipitate.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    from fedbragg.learn.state import state_of
    from fedbragg.models.onnx_file import write_with_card
    from fedbragg.simulation.micrograph.structure import CLASSES
    from fedbragg.tasks.segments.instances import Classes
    from fedbragg.tasks.segments.model_card import SegmentCard
    from fedbragg.tasks.segments.network import new_network

    weights = np.array([0, -20, 20], np.float32)[:, None, None, None] / 3 * np.ones((1, 3, 1, 1), np.float32)
    constants = {"weights": weights, "levels": np.array([10, 0, 0], np.float32)}
    nodes = [
        helper.make_node("Conv", ["pictures", "weights", "levels"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    shape = ["n", 3, "rows", "cols"]
    graph = helper.make_graph(
        nodes,
        "segments",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path_factory.mktemp("segments") / "segments-by-hand.onnx"
    write_with_card(
        path, model, SegmentCard(Classes(CLASSES)).to_json(), state_of(new_network(len(CLASSES), 1))
    )
    return path
