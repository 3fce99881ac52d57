"""A network's tensors as arrays, and back: the border between torch and everything that only knows numpy."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fedbragg.types import State


def state_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Copy a network's parameters and buffers out."""
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def load_state(network: nn.Module, state: State) -> None:
    """Copy arrays into a network of the same names and shapes."""
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
