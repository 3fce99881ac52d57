"""Compare a federation of three different networks, taught by one another (FedDF), with one of a single network.

Six sites with skewed labels (Dirichlet 0.5) hold small noisy pictures of five kinds. In the homogeneous
federation all run the convolutional network; in the heterogeneous one two each run the convolutional
network with Adam, a perceptron with SGD and a linear model with RMSprop. Public frames are drawn like the
sites' and carry no label. A stand-in for diffraction frames: it compares ways to federate, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from fedbragg.config import Federation
from fedbragg.federation import Ensemble, federate
from fedbragg.federation.distil import distillation
from fedbragg.federation.ensemble import join_networks
from fedbragg.types import State, Update
from harness import Table, publish

EDGE, CLASSES, SITES, BARRIERS = 10, 5, 6, 10
SEEDS = (0, 1, 2, 3, 4)
STUDENT_T = 2.776  # 97.5th percentile, 4 degrees of freedom
Data = tuple[torch.Tensor, torch.Tensor]


def network(kind: str) -> nn.Module:
    pixels = EDGE * EDGE
    if kind == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, CLASSES))
    if kind == "perceptron":
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 48), nn.ReLU(), nn.Linear(48, CLASSES))
    head = [nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8 * pixels // 4, CLASSES)]
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), *head)


KINDS = {
    "convolutional": partial(torch.optim.Adam, lr=3e-3),
    "perceptron": partial(torch.optim.SGD, lr=0.05, momentum=0.9),
    "linear": partial(torch.optim.RMSprop, lr=3e-3),
}


def state_of(net: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}


def loaded(kind: str, state: State) -> nn.Module:
    net = network(kind)
    net.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in state.items()})
    return net


def fit(net: nn.Module, kind: str, data: Data, epochs: int, seed: int) -> float:
    inputs, targets = data
    optimiser, order = KINDS[kind](net.parameters()), torch.Generator().manual_seed(seed)
    net.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs), generator=order).split(16):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs[batch]), targets[batch])
            loss.backward()
            optimiser.step()
    return float(loss.detach())


def answers(kind: str, state: State, inputs: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return loaded(kind, state).eval()(inputs).numpy()


@dataclass
class Site:
    """A site with a network of its own kind."""

    name: str
    kind: str
    data: Data
    speed: float = 1.0

    @property
    def samples(self) -> int:
        """Return the number of its pictures."""
        return len(self.data[1])

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Return what some epochs change."""
        net = loaded(self.kind, model)
        loss = fit(net, self.kind, self.data, epochs, version)
        step = {name: tensor - model[name] for name, tensor in state_of(net).items()}
        counts = tuple(int(n) for n in np.bincount(self.data[1].numpy(), minlength=CLASSES))
        return Update(self.name, version, step, self.samples, (counts,), loss)


@dataclass
class Student:
    """A network that learns from the sites' averaged answers on the public pictures."""

    kind: str
    public: torch.Tensor

    def logits(self, state: State) -> np.ndarray:
        """Return its answers."""
        return answers(self.kind, state, self.public)

    def train(self, state: State, targets: np.ndarray) -> State:
        """Return its state after five epochs towards the targets."""
        net = loaded(self.kind, state)
        fit(net, self.kind, (self.public, torch.from_numpy(targets)), 5, 0)
        return state_of(net)


def draw(generator: np.random.Generator, mix: np.ndarray, count: int, pictures: np.ndarray) -> Data:
    targets = generator.choice(CLASSES, size=count, p=mix)
    shifts = generator.integers(-1, 2, (count, 2))  # pictures wander by a pixel
    images = np.stack([np.roll(pictures[t], s, axis=(0, 1)) for t, s in zip(targets, shifts, strict=True)])
    noise = 0.6 * generator.normal(size=images.shape)
    return torch.from_numpy((images + noise).astype(np.float32)[:, None]), torch.from_numpy(targets)


def settings(seed: int) -> Federation:
    return Federation.model_validate(
        {
            "seed": seed,
            "training": {"warmup_epochs": 6, "epochs": 3},
            "federation": {"schedule": "sync", "barriers": BARRIERS},
            "sites": [{"name": "unused", "runs": ["x.h5"], "labels": "x.csv"}],
        }
    )


def run(seed: int, kinds: list[str], *, distil: bool) -> dict[str, float]:
    """Return each network's accuracy at the end, and that of their averaged answers."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    pictures = 1.5 * (generator.random((CLASSES, EDGE, EDGE)) < 0.2)
    sites = []
    for i in range(SITES):
        mix = generator.dirichlet(np.full(CLASSES, 0.5))
        data = draw(generator, mix, 250, pictures)
        sites.append(Site(f"site{i}", kinds[i % len(kinds)], data))
    even = np.full(CLASSES, 1 / CLASSES)
    public, test = draw(generator, even, 500, pictures)[0], draw(generator, even, 1500, pictures)
    networks = {site.name: site.kind for site in sites}
    initial = join_networks({kind: state_of(network(kind)) for kind in dict.fromkeys(kinds)})
    refine = distillation({kind: Student(kind, public) for kind in kinds}, networks) if distil else None
    outcome = federate(settings(seed), sites, initial, ensemble=Ensemble(networks, refine))
    logits = {}
    for kind in kinds:
        part = {n.removeprefix(f"{kind}/"): t for n, t in outcome.model.items() if n.startswith(f"{kind}/")}
        logits[kind] = answers(kind, part, test[0])
    logits["averaged answers"] = np.mean(list(logits.values()), axis=0)
    truth = test[1].numpy()
    return {name: float((answer.argmax(axis=1) == truth).mean()) for name, answer in logits.items()}


def interval(values: list[float]) -> str:
    half = STUDENT_T * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):.3f} ± {half:.3f}"


def main() -> None:
    torch.set_num_threads(1)
    rows: list[list[Any]] = []
    for title, kinds, distil in (
        ("one network, averaged", ["convolutional"], False),
        ("one network, averaged and distilled", ["convolutional"], True),
        ("three networks, each averaged among its own", list(KINDS), False),
        ("three networks, distilled", list(KINDS), True),
    ):
        found = [run(seed, kinds, distil=distil) for seed in SEEDS]
        for name in (*kinds, *(["averaged answers"] if len(kinds) > 1 else [])):
            rows.append([title, name, interval([scores[name] for scores in found])])
    notes = [f"Mean ± 95 % interval over {len(SEEDS)} seeds; {BARRIERS} synchronous barriers, FedKL weights."]
    publish(
        "heterogeneous",
        [
            Table(
                "Accuracy on a balanced test set, after the same number of barriers",
                ["federation", "network", "accuracy"],
                rows,
                notes,
            )
        ],
    )


if __name__ == "__main__":
    main()
