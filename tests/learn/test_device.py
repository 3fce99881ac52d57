"""The devices that a training can ask for, and that problems follow their network there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fedbragg.errors import ConfigError
from fedbragg.learn.device import open_device
from fedbragg.learn.loop import Problem, fit, mean_gradient
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem
from fedbragg.tasks.hits.learner import new_network as new_spotnet
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.learner import Learner, PhaseProblem
from fedbragg.tasks.phases.model_card import PhaseLines
from fedbragg.tasks.phases.prepare import PatternSettings
from fedbragg.tasks.segments.data import LabelledPicture, SegmentData
from fedbragg.tasks.segments.learner import problem_of
from fedbragg.tasks.segments.network import new_network as new_segmentnet
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.halve import READ
from fedbragg.tasks.tags.learner import TagProblem
from fedbragg.tasks.tags.learner import new_network as new_tagnet
from fedbragg.types import State

Pair = tuple[torch.nn.Module, Problem]
NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def random() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def hits() -> Pair:
    network, first = new_spotnet(random()), torch.tensor([0, 3, 7, 12, 15])
    spots = torch.randint(-1, 2, (15,), generator=random()).float()
    data = HitData(
        torch.randn(15, MEASURES, generator=random()), first, torch.tensor([0.0, 1.0, 1.0, 0.0]), spots
    )
    return network, HitProblem(network, data, shift=torch.tensor([0.3]))


def phases() -> Pair:
    settings = PatternSettings()
    q = np.linspace(settings.q_low + 0.2, settings.q_low + 2, 6)
    learner = Learner((PhaseLines("a", q, np.ones(6)), PhaseLines("b", q + 0.3, np.ones(6))), settings)
    views = torch.rand(4, 3, settings.points, generator=random())
    data = PhaseData(
        views, torch.tensor([[1.0, 0], [0, 1], [-1, 1], [1, 1]]), torch.zeros(4, dtype=torch.bool)
    )
    return learner, PhaseProblem(learner, data, "positive", torch.ones(2), torch.zeros(2))


def segments() -> Pair:
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 2, (80, 80)).astype(np.uint8)
    data = SegmentData(
        (LabelledPicture(generator.integers(0, 255, (80, 80)).astype(np.uint8), labels),) * 4, 2
    )
    network = new_segmentnet(2, 1)
    return network, problem_of(network, data, np.random.default_rng(5))


def tags() -> Pair:
    network = new_tagnet(len(TAGS), 1)
    views = torch.rand(4, 4, READ, READ, generator=random()).half()
    labels = torch.randint(-1, 2, (4, len(TAGS)), generator=random()).float()
    return network, TagProblem(network, TagData(views, labels, torch.zeros(4, 2)), random())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "Known: cpu, cuda"),
        ("xla", "Known: cpu, cuda"),
        pytest.param("cuda", "no GPU here. Leave it out", marks=NO_GPU),
        pytest.param("cuda:99", "counted from 0", marks=GPU),
    ],
)
def test_a_device_that_is_not_here_is_refused_in_one_line(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        open_device(name)


def test_auto_is_the_processor_where_there_is_no_gpu() -> None:
    assert open_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert open_device("cpu").type == "cpu"


@pytest.mark.parametrize("make", [phases, segments, tags])
def test_a_batch_follows_its_network(make: Callable[[], Pair]) -> None:
    network, problem = make()
    loss = problem.loss(torch.arange(4))
    network.to("meta")  # holds shapes alone, and refuses to meet a tensor that stayed behind
    far = problem.loss(torch.arange(4))
    assert loss.device.type == "cpu" and loss.isfinite()
    assert far.device.type == "meta"


@GPU
@pytest.mark.parametrize("make", [hits, phases, segments, tags])
def test_a_gpu_trains_as_the_processor_does(make: Callable[[], Pair]) -> None:
    settings = FitSettings(epochs=3, batch=4, learning_rate=1e-3)
    found = []
    for device in ("cpu", "cuda"):
        network, problem = make()
        with torch.backends.cudnn.flags(
            allow_tf32=False
        ):  # ten bits a factor would change a loss by a percent
            gradient = mean_gradient(network, problem, replace(settings, device=device), random())
            loss = fit(network, problem, replace(settings, device=device), random())
        found.append((loss, gradient, state_of(network)))
    (here, gradient, state), (there, other, moved) = found
    assert there == pytest.approx(here, rel=2e-2)
    assert alike(gradient, other) > 0.99
    assert alike(state, moved) > 0.999


def alike(first: State, second: State) -> float:
    """Return the cosine of the angle between two states."""
    one, other = (np.concatenate([state[name].ravel() for name in first]) for state in (first, second))
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
