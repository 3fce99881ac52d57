"""Subtract, add and average the named tensors of a model, integers and BatchNorm statistics included.

Floating tensors are combined in their own precision, half precision in single. Integer tensors
(BatchNorm's ``num_batches_tracked``) are combined as real numbers and rounded to the nearest integer, so
their type stays. A variance (a name that ends in ``running_var``) never falls below zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import State

STATISTICS = ("running_mean", "running_var")
"""Endings of the names of BatchNorm's running statistics."""
BLOCK = 1 << 15
"""Elements processed at a time: 128 kB of float32 fit into a core's own cache."""


def difference(trained: State, start: State) -> dict[str, NDArray[Any]]:
    """Return ``trained - start``; integers are widened to int64, so no difference wraps around."""
    # asarray: the difference of two arrays without dimensions is a numpy scalar, which no update may hold.
    return {name: np.asarray(_wide(trained[name]) - _wide(start[name])) for name in trained}


def apply_steps(start: State, steps: Sequence[State], weights: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Return ``start + sum(weight * step)``, each tensor in ``start``'s type.

    A step may lack tensors (another network, a site's own BatchNorm). The steps that have a tensor share the
    total weight among themselves; a tensor that no step has stays as it is.
    """
    return {
        name: _apply_steps(name, tensor, _holding(name, steps, weights)) for name, tensor in start.items()
    }


def is_weight(name: str, tensor: NDArray[Any]) -> bool:
    """Return whether a tensor is trained by its gradient: floating, and none of BatchNorm's statistics."""
    return bool(np.issubdtype(tensor.dtype, np.floating)) and not name.endswith(STATISTICS)


def norm(state: State) -> float:
    """Return the Euclidean length over all floating tensors; counters would dominate it."""
    return float(np.sqrt(sum(_squared(t) for t in state.values() if np.issubdtype(t.dtype, np.floating))))


def finite(state: State) -> bool:
    """Return whether every element is a finite number."""
    return all(bool(np.isfinite(tensor).all()) for tensor in state.values())


def size(state: State) -> int:
    """Return the bytes of all tensors."""
    return sum(tensor.nbytes for tensor in state.values())


def copy_state(state: State) -> dict[str, NDArray[Any]]:
    """Copy every tensor, so that changing one state leaves the other alone."""
    return {name: np.array(tensor) for name, tensor in state.items()}


def blocks(length: int) -> Iterator[slice]:
    """Yield slices of at most BLOCK elements that cover a long tensor."""
    return (slice(start, start + BLOCK) for start in range(0, length, BLOCK))


def working_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which tensors of ``dtype`` are combined."""
    return np.result_type(dtype, np.float32) if np.issubdtype(dtype, np.floating) else np.dtype(np.float64)


def cast_back(name: str, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Cast combined values back to their tensor's type: round integers, keep variances at or above zero."""
    if name.endswith("running_var"):
        values = np.maximum(values, 0)
    if not np.issubdtype(dtype, np.floating):
        values = np.rint(values)
    return values.astype(dtype, copy=False)


def _holding(name: str, steps: Sequence[State], weights: Sequence[float]) -> list[tuple[NDArray[Any], float]]:
    held = [(step[name], weight) for step, weight in zip(steps, weights, strict=True) if name in step]
    total = sum(weight for _, weight in held)
    if len(held) == len(steps) or not total:
        return held
    return [(tensor, weight * sum(weights) / total) for tensor, weight in held]


def _apply_steps(name: str, start: NDArray[Any], steps: Sequence[tuple[NDArray[Any], float]]) -> NDArray[Any]:
    working = working_type(start.dtype)
    flat, out = start.reshape(-1), np.empty(start.size, dtype=start.dtype)
    flat_steps = [(step.reshape(-1), working.type(weight)) for step, weight in steps]
    product = np.empty(min(BLOCK, start.size), dtype=working)
    for piece in blocks(start.size):
        total = flat[piece].astype(working)
        for step, weight in flat_steps:
            part = product[: total.size]
            np.multiply(step[piece], weight, out=part, casting="same_kind")
            total += part
        out[piece] = cast_back(name, total, start.dtype)
    return out.reshape(start.shape)


def _wide(tensor: NDArray[Any]) -> NDArray[Any]:
    return tensor if np.issubdtype(tensor.dtype, np.floating) else tensor.astype(np.int64)


def _squared(tensor: NDArray[Any]) -> float:
    """Return the sum of squares, without BLAS: its threads wait for one another wherever cores are busy."""
    flat = tensor.reshape(-1)
    return sum(
        float(np.einsum("i,i->", part, part))
        for piece in blocks(flat.size)
        if (part := flat[piece].astype(np.float64)).size
    )
