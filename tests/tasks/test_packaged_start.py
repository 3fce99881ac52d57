"""A federation whose settings name no number of public examples starts from the packaged model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fedbragg.config import Federation
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import SILENT
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.base import PackagedTask, Task
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.registry import default_model, open_task
from fedbragg.types import State

SERVER, SITES = {"address": "none:1"}, [{"name": "here"}]


def opened(task: str, **section: Any) -> Task[Any]:
    settings = {"task": task, task: section, "server": SERVER, "sites": SITES}
    return open_task(Federation.model_validate(settings), None)


def started(task: str, seed: int = 3, **section: Any) -> State:
    return opened(task, **section).start_model(seed, SILENT)


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("task", ["hits", "phases", "tags", "segments"])
def test_the_start_is_the_packaged_model_whatever_the_seed(task: str) -> None:
    assert same(started(task), read_state(default_model(task)))
    assert same(started(task, seed=4), started(task))


@pytest.mark.parametrize(
    ("task", "key"),
    [
        ("hits", "public_frames"),
        ("phases", "public_patterns"),
        ("tags", "public_images"),
        ("segments", "public_pictures"),
    ],
)
def test_a_number_of_public_examples_asks_for_a_model_of_its_own(task: str, key: str) -> None:
    at_random = started(task, **{key: 0})
    assert at_random.keys() == started(task).keys()
    assert not same(at_random, started(task))
    assert not same(at_random, started(task, seed=4, **{key: 0}))


@pytest.mark.parametrize(
    ("section", "rate"),
    [({}, 1e-4), ({"public_frames": 0}, 1e-3), ({"network": "kindnet"}, 1e-3), ({"block": 10}, 1e-3)],
)
def test_sites_train_hits_slowly_from_the_packaged_model_alone(section: dict[str, Any], rate: float) -> None:
    task = opened("hits", **section)
    assert isinstance(task, PackagedTask) and task.learning_rate == rate


@pytest.mark.parametrize(
    ("section", "rate"),
    [({}, 1e-4), ({"public_patterns": 0}, 1e-3), ({"two_theta": [6.0, 20.0]}, 1e-3)],
)
def test_sites_train_phases_slowly_from_the_packaged_model_alone(
    section: dict[str, Any], rate: float
) -> None:
    task = opened("phases", **section)
    assert isinstance(task, PackagedTask) and task.learning_rate == rate


@pytest.mark.parametrize(
    ("section", "rate"),
    [
        ({}, 3e-4),
        ({"names": [TAGS[2], TAGS[0]]}, 3e-4),
        ({"names": [TAGS[0], "our-tag"]}, 1e-3),
        ({"public_images": 0}, 1e-3),
    ],
)
def test_sites_train_known_tags_slowly_from_the_packaged_model(section: dict[str, Any], rate: float) -> None:
    task = opened("tags", **section)
    assert isinstance(task, PackagedTask) and task.learning_rate == rate


@pytest.mark.parametrize("other", [{"network": "kindnet"}, {"block": 10}])
def test_a_network_or_block_that_is_not_packaged_is_trained(other: dict[str, Any]) -> None:
    untrained = started("hits", public_epochs=0, **other)
    assert same(untrained, started("hits", public_frames=0, **other))


def test_of_several_networks_the_packaged_one_is_taken_and_the_others_trained() -> None:
    task = opened("hits", public_epochs=0)
    assert isinstance(task, HitsTask)
    found = task.start_models(["kindnet", "spotnet"], 3, SILENT)
    assert list(found) == ["kindnet", "spotnet"]
    assert same(found["spotnet"], read_state(default_model("hits")))
    assert same(found["kindnet"], started("hits", network="kindnet", public_frames=0))


@pytest.mark.parametrize(
    "other", [{"structures": ["rhenium", "calcite", "bastnaesite"]}, {"two_theta": [6.0, 20.0]}]
)
def test_phases_in_another_order_or_on_another_grid_are_trained(other: dict[str, Any]) -> None:
    assert same(started("phases", public_epochs=0, **other), started("phases", public_patterns=0, **other))


def test_patterns_of_another_wavelength_are_on_the_packaged_grid_of_q() -> None:
    assert same(started("phases", wavelength=1.54), started("phases"))


def test_tags_that_the_packaged_model_knows_keep_their_weights() -> None:
    names = [TAGS[4], "own-tag", TAGS[0]]
    whole, made, other = started("tags"), started("tags", names=names), started("tags", 4, names=names)
    np.testing.assert_array_equal(made["head.2.weight"][[0, 2]], whole["head.2.weight"][[4, 0]])
    np.testing.assert_array_equal(made["head.2.bias"][[0, 2]], whole["head.2.bias"][[4, 0]])
    assert not np.array_equal(made["head.2.weight"][1], other["head.2.weight"][1])
    kept = [name for name in whole if not name.startswith("head.2.")]
    assert same({name: made[name] for name in kept}, {name: whole[name] for name in kept})


def test_classes_that_the_packaged_model_knows_keep_their_weights() -> None:
    made = started("segments", names=["oxide", CLASSES[2]])
    whole = started("segments")
    pixels = 4  # of each class
    np.testing.assert_array_equal(made["head.weight"][pixels:], whole["head.weight"][2 * pixels :])
