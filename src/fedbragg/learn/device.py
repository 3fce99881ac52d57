"""Choose where a network trains: on the CPU or a GPU.

A training moves its network there and back, so that all other code works with arrays in memory. A problem moves each
batch to its network's device.
"""

from __future__ import annotations

import torch
from torch import nn

from fedbragg.errors import ConfigError


def open_device(name: str) -> torch.device:
    """Return a device by its name: cpu, cuda, cuda:N, or auto for a GPU if there is one.

    Raise ConfigError where the machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"device {name!r} is unknown. Known: cpu, cuda, cuda:N, auto.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"device {name!r}: torch finds no GPU here. Leave it out, or install a build of torch for CUDA."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"device {name!r}: there are {torch.cuda.device_count()} GPUs here, counted from 0."
        )
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is unknown. Known: cpu, cuda, cuda:N, auto.")
    return device


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's parameters."""
    return next(network.parameters()).device
