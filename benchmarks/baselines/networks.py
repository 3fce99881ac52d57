"""Three networks of the papers, without pre-training, and how each is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.pictures import Picture, fedkl_centre, fedkl_random, ke_centre, ke_random
from fedbragg.types import Label


@dataclass(frozen=True)
class Baseline:
    """A network, its input and its training."""

    name: str
    classes: tuple[tuple[Label, ...], ...]  # the last one is a miss
    build: Callable[[], nn.Module]  # maps (batch, 1, rows, cols) to logits (batch, classes)
    optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    decay: float  # learning rate at the end of the budget, in units of that at the start
    to_train: Callable[[Picture, np.random.Generator], Tensor]
    to_judge: Callable[[Picture], Tensor]


def ke_network() -> nn.Module:
    """Return the 7.3k-parameter network of Ke et al. 2018: 720 x 720 in, hit, maybe and miss out."""
    layers: list[nn.Module] = []
    for inputs, outputs, width in ((1, 4, 7), (4, 8, 3), (8, 16, 3), (16, 32, 3)):
        convolution = nn.Conv2d(inputs, outputs, width, stride=2, padding=width // 2)
        nn.init.kaiming_normal_(convolution.weight)
        pool = nn.MaxPool2d(3, 2, padding=1) if inputs == 1 else nn.MaxPool2d(2)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU(), pool]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 3 * 3, 3))


def residual_network() -> nn.Module:
    from monai.networks.nets import resnet18

    network = resnet18(spatial_dims=2, n_input_channels=1, num_classes=2, conv1_t_stride=2)
    return network.to(memory_format=torch.channels_last)


def dense_network() -> nn.Module:
    from monai.networks.nets import DenseNet121

    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2)
    return network.to(memory_format=torch.channels_last)


def _ke_optimiser(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    # The paper's 0.1 for 64 frames a step, scaled to the 16 that a small budget asks for.
    return torch.optim.SGD(parameters, lr=0.025, momentum=0.9, weight_decay=5e-4)


def _adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    # FedKL's paper says SGD and no rate; Adam learns more in so few steps.
    return torch.optim.Adam(parameters, lr=1e-3)


_THREE = ((Label.HIT,), (Label.MAYBE,), (Label.MISS,))
_TWO = ((Label.HIT, Label.MAYBE), (Label.MISS,))
BASELINES = (
    Baseline("Ke et al. CNN", _THREE, ke_network, _ke_optimiser, 1e-3, ke_random, ke_centre),
    Baseline("ResNet18", _TWO, residual_network, _adam, 0.1, fedkl_random, fedkl_centre),
    Baseline("DenseNet121", _TWO, dense_network, _adam, 0.1, fedkl_random, fedkl_centre),
)
