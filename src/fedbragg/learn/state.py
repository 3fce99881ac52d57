"""Convert a network's tensors to arrays and back, between torch and code that uses only numpy."""

from __future__ import annotations

from collections.abc import Sequence

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


def with_answers(
    state: State, fresh: State, layers: Sequence[str], known: Sequence[str], wanted: Sequence[str]
) -> State:
    """Return a state for the answers ``wanted``, from that of a network for the answers ``known``.

    Of the last ``layers``, which have equally many rows for each answer, answers that both have keep their rows, and
    others take those of ``fresh``, a state of the wanted network.
    """
    merged = {**fresh, **{name: array for name, array in state.items() if name not in layers}}
    for name in layers:
        merged[name] = np.array(fresh[name])
        ours, theirs = (
            array.reshape(len(answers), -1, *array.shape[1:])
            for array, answers in ((merged[name], wanted), (state[name], known))
        )
        for i, answer in enumerate(wanted):
            if answer in known:
                ours[i] = theirs[known.index(answer)]
    return merged
