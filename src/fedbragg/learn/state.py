"""Convert a network's tensors to arrays and back, between torch and code that uses only numpy."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from fedbragg.errors import ModelFileError
from fedbragg.types import State


def state_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Return copies of a network's parameters and buffers."""
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def load_state(network: nn.Module, state: State) -> None:
    """Copy arrays into a network of the same names and shapes; raise ModelFileError where they fit another one."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if {name: array.shape for name, array in state.items()} != wanted:
        raise ModelFileError(
            "the weights are of another network: another version of fedbragg trained them, or for other answers. "
            "Start from the packaged model."
        )
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
