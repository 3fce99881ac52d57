"""FedDF: sites with different networks and optimisers learn from one another through public frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from fedbragg.federation import Ensemble, RecordingSettings, federate
from fedbragg.federation.distil import distillation, softmax
from fedbragg.federation.ensemble import join_networks
from fedbragg.types import State, Update

torch = pytest.importorskip("torch")

EDGE, CLASSES = 8, 3


def frames(generator: np.random.Generator, mix: list[float], count: int) -> tuple:
    """Draw noisy images of a ring, a stripe or nothing."""
    targets = generator.choice(CLASSES, size=count, p=mix)
    rows, columns = np.mgrid[:EDGE, :EDGE] - (EDGE - 1) / 2
    ring = np.abs(np.hypot(rows, columns) - 2.5) < 0.7
    pictures = np.stack([ring, np.abs(rows) < 1, np.zeros((EDGE, EDGE))]).astype(np.float32)
    images = pictures[targets] + 0.9 * generator.normal(size=(count, EDGE, EDGE)).astype(np.float32)
    return torch.from_numpy(images.astype(np.float32)[:, None]), torch.from_numpy(targets)


def convolutional() -> torch.nn.Module:
    layers = torch.nn
    return layers.Sequential(
        layers.Conv2d(1, 8, 3, padding=1),
        layers.BatchNorm2d(8),
        layers.ReLU(),
        layers.AvgPool2d(2),
        layers.Flatten(),
        layers.Linear(8 * 16, CLASSES),
    )


def perceptron() -> torch.nn.Module:
    layers = torch.nn
    return layers.Sequential(
        layers.Flatten(), layers.Linear(EDGE * EDGE, 32), layers.ReLU(), layers.Linear(32, CLASSES)
    )


def linear() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(EDGE * EDGE, CLASSES))


NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "convolutional": convolutional,
    "perceptron": perceptron,
    "linear": linear,
}
OPTIMISERS = {
    "convolutional": lambda weights: torch.optim.Adam(weights, 3e-3),
    "perceptron": lambda weights: torch.optim.SGD(weights, 0.05, momentum=0.9),
    "linear": lambda weights: torch.optim.RMSprop(weights, 3e-3),
}


def state_of(network: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def loaded(kind: str, state: State) -> torch.nn.Module:
    network = NETWORKS[kind]()
    network.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in state.items()})
    return network


def fit(network: torch.nn.Module, kind: str, data: tuple, epochs: int, seed: int) -> float:
    inputs, targets = data
    optimiser = OPTIMISERS[kind](network.parameters())
    order = torch.Generator().manual_seed(seed)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs), generator=order).split(16):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(inputs[batch]), targets[batch])
            loss.backward()
            optimiser.step()
    return float(loss.detach())


@dataclass
class TorchSite:
    name: str
    kind: str
    data: tuple
    speed: float = 1.0

    @property
    def samples(self) -> int:
        return len(self.data[1])

    def train(self, model: State, version: int, epochs: int) -> Update:
        network = loaded(self.kind, model)
        loss = fit(network, self.kind, self.data, epochs, seed=version)
        tensors = {name: tensor - model[name] for name, tensor in state_of(network).items()}
        counts = tuple(int(n) for n in np.bincount(self.data[1].numpy(), minlength=CLASSES))
        return Update(self.name, version, tensors, self.samples, (counts,), loss)


@dataclass
class TorchStudent:
    kind: str
    public: torch.Tensor

    def logits(self, state: State) -> np.ndarray:
        with torch.no_grad():
            return loaded(self.kind, state).eval()(self.public).numpy()

    def train(self, state: State, targets: np.ndarray) -> State:
        network = loaded(self.kind, state)
        fit(network, self.kind, (self.public, torch.from_numpy(targets)), 10, seed=0)
        return state_of(network)


@pytest.fixture
def one_thread():
    """Train on one thread: spreading tiny networks over cores costs more than it saves."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_three_architectures_learn_from_one_another(settings) -> None:
    torch.manual_seed(3)
    generator = np.random.default_rng(3)
    # Each network's only site lacks one class; it can learn that class only from the other networks.
    mixes = {"convolutional": [0.5, 0.5, 0.0], "perceptron": [0.0, 0.5, 0.5], "linear": [0.5, 0.0, 0.5]}
    sites = [TorchSite(f"site-{kind}", kind, frames(generator, mix, 200)) for kind, mix in mixes.items()]
    networks = {site.name: site.kind for site in sites}
    public, _ = frames(generator, [1 / 3] * 3, 300)
    test_inputs, test_targets = frames(generator, [1 / 3] * 3, 600)
    initial = join_networks({kind: state_of(make()) for kind, make in NETWORKS.items()})

    def accuracies(model: State) -> dict[str, float]:
        scores = {}
        for kind in NETWORKS:
            part = {n.removeprefix(f"{kind}/"): t for n, t in model.items() if n.startswith(f"{kind}/")}
            with torch.no_grad():
                answers = loaded(kind, part).eval()(test_inputs).argmax(dim=1)
            scores[kind] = float((answers == test_targets).float().mean())
        return scores

    def run(refine):
        rules = settings(schedule="sync", barriers=5, warmup=3, epochs=2, norm_factor=1e3)
        return federate(
            rules,
            sites,
            initial,
            recording=RecordingSettings(evaluate=accuracies),
            ensemble=Ensemble(networks, refine),
        )

    students = {kind: TorchStudent(kind, public) for kind in NETWORKS}
    alone = accuracies(run(None).model)
    taught = accuracies(run(distillation(students, networks)).model)
    assert all(score < 0.7 for score in alone.values())  # each misses a third of the classes
    assert all(taught[kind] > alone[kind] + 0.1 for kind in NETWORKS)
    again = run(distillation(students, networks))
    assert accuracies(again.model) == taught


def test_softmax_of_equal_logits_is_uniform() -> None:
    assert softmax(np.zeros((1, 4))) == pytest.approx(0.25)
