"""Corrections that a site adds to its gradient: tensors that the server sends beside the weights of a model."""

from __future__ import annotations

from fedbragg.types import State

PREFIX = "correction:"
"""Begins the names of corrections among a model's tensors; no network has such a name."""


def with_correction(model: State, correction: State) -> State:
    """Return a model with a site's correction as tensors beside the weights."""
    return (
        {**model, **{PREFIX + name: tensor for name, tensor in correction.items()}} if correction else model
    )


def split_correction(model: State) -> tuple[State, State]:
    """Return the other tensors of a model that was sent, and the correction beside them."""
    others = {name: tensor for name, tensor in model.items() if not name.startswith(PREFIX)}
    return others, {n.removeprefix(PREFIX): t for n, t in model.items() if n.startswith(PREFIX)}
