"""The networks of hit finding beside spotnet: what they compute, their model files, and how they are taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fedbragg.errors import ConfigError
from fedbragg.federation.distil import softmax
from fedbragg.learn.settings import FitSettings, PrivateTerms
from fedbragg.learn.state import state_of
from fedbragg.models.onnx_file import open_session
from fedbragg.tasks.hits import open_model, task_of_model
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import new_network
from fedbragg.tasks.hits.network import KINDS, NETWORKS, KindNet
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.networks import NetworksTask

NAMES = sorted(NETWORKS)
TASK = HitsTask(HitsSettings(), PrepareSettings())


def frames(seed: int, number: int = 60) -> HitData:
    """Return frames of up to eight peaks; every other one is a hit, whose peaks are stronger."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 9, (number,), generator=generator)
    hit = torch.arange(number) % 2
    measures = 0.3 * torch.randn(int(lengths.sum()), MEASURES, generator=generator)
    measures[:, 0] += 2 * torch.repeat_interleave(hit, lengths)
    first = torch.cat([torch.zeros(1, dtype=torch.long), torch.cumsum(lengths, 0)])
    return HitData(measures, first, hit.float(), -torch.ones(len(measures)))


def test_the_settings_and_the_networks_have_the_same_names() -> None:
    assert sorted(TASK.networks) == NAMES
    assert isinstance(TASK, NetworksTask)


@pytest.mark.parametrize("name", NAMES)
def test_frames_in_a_batch_score_as_each_does_alone(name: str) -> None:
    network, data = new_network(torch.Generator().manual_seed(3), name).eval(), frames(1, 12)
    together = TASK.with_network(name).answers(state_of(network), data)
    with torch.no_grad():
        alone = [
            float(torch.sigmoid(network.whole(data.measures[data.first[i] : data.first[i + 1]])[0]))
            for i in range(len(data))
        ]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_kindnet_by_hand() -> None:
    network = KindNet()
    with torch.no_grad():
        for parameter in network.parameters():
            nn.init.zeros_(parameter)
        # Every kind's logit is 0, so each peak votes 1/2 to the power 1 + ln 2 in each kind.
        network.decide[0].weight[0, 2] = 1.0
        network.decide[2].weight[0, 0] = 2.0
        network.decide[2].bias[0] = -1.0
        hit, spots = network.whole(torch.ones(5, MEASURES))
    vote = 0.5 ** (1 + np.log(2))
    assert float(hit) == pytest.approx(2 * np.log1p(5 * vote) - 1, abs=1e-5)
    assert spots.tolist() == [0.0] * 5
    assert network.hit(torch.zeros(3, KINDS)).tolist() == [-1.0] * 3


def test_spotnet_small_has_a_sixth_of_the_weights() -> None:
    small, full = (
        sum(p.numel() for p in NETWORKS[name]().parameters()) for name in ("spotnet-small", "spotnet")
    )
    # 64 inputs, two hidden layers, one output, three numbers of the head.
    assert small == 64 * 16 + 16 + 16 * 16 + 16 + 16 + 1 + 3
    assert small < full / 6


@pytest.mark.parametrize("name", NAMES)
def test_a_model_file_answers_as_its_network_and_names_it(name: str, tmp_path: Path) -> None:
    path, task = tmp_path / "model.onnx", TASK.with_network(name)
    network = new_network(torch.Generator().manual_seed(7), name).eval()
    task.export(state_of(network), path, {})
    measures = torch.rand(9, MEASURES, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        hit, spots = (torch.sigmoid(logits).numpy() for logits in network.whole(measures))
    score, shown = open_session(path, 1, "").run(None, {"measures": measures.numpy()})
    np.testing.assert_allclose(score, hit, atol=1e-5)
    np.testing.assert_allclose(shown, spots, atol=1e-5)
    assert open_model(path).card.network == name
    assert task_of_model(path).network == name


@pytest.mark.parametrize("name", NAMES)
def test_every_network_learns_labels(name: str) -> None:
    task, data = TASK.with_network(name), frames(2)
    start = state_of(new_network(torch.Generator().manual_seed(1), name))
    state, _ = task.train(start, data, FitSettings(40, batch=8, learning_rate=3e-3), seed=1)
    before, after = (task.metrics(data.truth, task.answers(s, data))["AUC"].value for s in (start, state))
    assert after > max(before, 0.95)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_learns_what_another_says_of_frames_without_their_labels(name: str) -> None:
    long = HitsTask(HitsSettings(distillation_epochs=100), PrepareSettings())
    teacher, task, data = long, long.with_network(name), frames(3)
    start = state_of(new_network(torch.Generator().manual_seed(1)))
    taught, _ = teacher.train(start, data, FitSettings(epochs=25, learning_rate=3e-3), seed=1)
    targets = softmax(teacher.logits(taught, data))
    np.testing.assert_allclose(targets[:, 1], teacher.answers(taught, data), atol=1e-6)
    wrong = HitData(data.measures, data.first, 1 - data.hit, data.spots)  # these labels must not matter
    student = state_of(new_network(torch.Generator().manual_seed(2), name))
    learnt = task.distil(student, wrong, targets, seed=1)
    before, after = (np.abs(task.answers(s, data) - targets[:, 1]).mean() for s in (student, learnt))
    assert after < before / 2


def test_kindnet_cannot_be_trained_with_noise() -> None:
    task = TASK.with_network("kindnet")
    start = state_of(new_network(torch.Generator().manual_seed(1), "kindnet"))
    data = HitData(
        *(getattr(frames(1), key) for key in ("measures", "first", "hit", "spots")), torch.arange(60)
    )
    terms = PrivateTerms(0.5, 1.0, 1.0)
    with pytest.raises(ConfigError, match="spotnet and spotnet-small alone"):
        task.train_privately(start, data, FitSettings(1), terms, np.random.default_rng(1))
    small = TASK.with_network("spotnet-small")
    state = state_of(new_network(torch.Generator().manual_seed(1), "spotnet-small"))
    noisy, _ = small.train_privately(state, data, FitSettings(1), terms, np.random.default_rng(1))
    assert noisy["spot.0.weight"].shape == (16, MEASURES)
