"""Clip an update at the site before it leaves: its length is then bounded for any training data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fedbragg.config import FederationSettings
from fedbragg.state_arithmetic import norm
from fedbragg.types import State, Update


def clip_update(update: Update, settings: FederationSettings) -> Update:
    """Shorten an update as the settings say; ``clip = 0`` leaves it as it is."""
    return replace(update, tensors=clipped(update.tensors, settings.clip)) if settings.clip else update


def clipped(tensors: State, longest: float) -> State:
    """Shorten an update to the length ``longest``, if it is longer; integers stay as they are."""
    length = norm(tensors)
    if length <= longest:
        return tensors
    return {
        name: tensor * tensor.dtype.type(longest / length)
        if np.issubdtype(tensor.dtype, np.floating)
        else tensor
        for name, tensor in tensors.items()
    }
