"""An update as integers that can be summed under masks, and the weighted mean that their sum holds.

A site with update g, loss l and amount a (frames, label entropy) sends a g as numbers modulo 2**32, and a, a l and the
changes of integer tensors times a as counts modulo 2**64. Sums over the sites give sum(a g) / sum(a), the weighted
mean, without anybody knowing one site's a. FedKL is the mean of two such
means (equations 7, 9 and 10 of Xu et al. 2022).

No sum can wrap around. A number of g is at most ``clip`` in size, since it is at most the update's norm, and a is at
most one of its unit, so ``sites`` rounded terms of at most clip x scale + 1/2 stay below 2**31. Counts are products of
an amount below 2**24 or equal, a factor up to 2**26 and at most 2**12 sites, so at most 2**62.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import SumRefused
from fedbragg.federation.rules.label_balance import label_entropy
from fedbragg.federation.rules.rule import Amount
from fedbragg.state_arithmetic import blocks, norm, working_type
from fedbragg.types import State, Update

HALF_RANGE = (1 << 31) - 1
"""Largest number whose sign survives modulo 2**32."""
BALANCE_UNIT = 1 << 24
"""Label entropy is sent in units of 2**-24."""
MOST_SAMPLES = 1 << 24
"""Largest number of frames that a site can count as."""
LOSS_UNIT = 1 << 16
"""Losses are sent in units of 2**-16."""
LARGEST_FACTOR = 1 << 26
"""Largest loss, in LOSS_UNIT, and largest change of an integer tensor."""
MOST_SITES = 1 << 12
FEWEST_SITES = 3
"""Fewest sites in a sum: from a sum of two, each of them reads the other's update."""
SLACK = 1e-3
"""Relative rounding that a mean's length may show beyond ``clip``."""


@dataclass(frozen=True, slots=True)
class TensorShape:
    """One tensor of an update."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def floating(self) -> bool:
        """Return whether its numbers are real; the others are integers."""
        return np.dtype(self.dtype).kind == "f"

    @property
    def size(self) -> int:
        """Return how many numbers it has."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a masked vector's integers."""

    tensors: tuple[TensorShape, ...]  # sorted by name
    amounts: tuple[Amount, ...]  # each gives one weighted mean; the result is the mean of these
    sites: int  # most that one sum can hold
    clip: float  # longest update, Euclidean norm over its floating tensors
    most_samples: int  # a site's frames count as at most this many

    @property
    def scale(self) -> float:
        """Return how many units of the integers one unit of an update has."""
        return (HALF_RANGE / self.sites - 1) / self.clip

    @property
    def numbers(self) -> int:
        """Return the length of a vector's numbers modulo 2**32."""
        return len(self.amounts) * sum(tensor.size for tensor in self.tensors if tensor.floating)

    @property
    def counts(self) -> int:
        """Return the length of a vector's counts modulo 2**64: for each amount itself, its loss, its integers."""
        integers = sum(tensor.size for tensor in self.tensors if not tensor.floating)
        return len(self.amounts) * (2 + integers)

    def unit(self, amount: Amount) -> int:
        """Return the largest value of an amount, which counts as 1."""
        return {"site": 1, "samples": self.most_samples, "balance": BALANCE_UNIT}[amount]


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """Integers that are summed: numbers modulo 2**32, counts modulo 2**64."""

    numbers: NDArray[np.uint32]  # (Layout.numbers,)
    counts: NDArray[np.uint64]  # (Layout.counts,)

    @classmethod
    def zero(cls, layout: Layout) -> Vector:
        """Return a vector of zeros."""
        return cls(np.zeros(layout.numbers, np.uint32), np.zeros(layout.counts, np.uint64))

    @property
    def nbytes(self) -> int:
        """Return its bytes."""
        return self.numbers.nbytes + self.counts.nbytes

    def add(self, other: Vector) -> None:
        """Add another vector to this one, in place."""
        np.add(self.numbers, other.numbers, out=self.numbers)
        np.add(self.counts, other.counts, out=self.counts)


@dataclass(frozen=True, slots=True, eq=False)
class AmountMean:
    """The mean of updates that are weighted by one amount."""

    step: State  # the weighted mean of the updates
    loss: float  # of the losses, with the same weights
    total: float  # of the amount: of frames, of sites, or of label entropies


@dataclass(frozen=True, slots=True, eq=False)
class WeightedMean:
    """The facts that the server learns about the updates in a sum."""

    parts: tuple[AmountMean, ...]  # in the order of Layout.amounts; a part with total 0 does not count

    @property
    def step(self) -> State:
        """Return the mean of the updates: that of the means by each amount."""
        steps = [part.step for part in self.parts if part.total]
        return {name: np.asarray(sum(step[name] for step in steps) / len(steps)) for name in steps[0]}

    @property
    def loss(self) -> float:
        """Return the mean of the losses, with the same weights."""
        losses = [part.loss for part in self.parts if part.total]
        return sum(losses) / len(losses)


def encode(update: Update, layout: Layout) -> Vector:
    """Return an update as integers; raise SumRefused where it cannot be bounded."""
    _check(update, layout)
    vector = Vector.zero(layout)
    number, count = 0, 0
    for amount in layout.amounts:
        quantity = amount_of(update, amount, layout)
        factors = [1, min(round(update.loss * LOSS_UNIT), LARGEST_FACTOR)]
        for tensor in layout.tensors:
            values = update.tensors[tensor.name].reshape(-1)
            if tensor.floating:
                part = vector.numbers[number : number + tensor.size]
                _write_numbers(values, quantity / layout.unit(amount) * layout.scale, layout, part)
                number += tensor.size
            else:
                factors += [int(value) for value in values]
        for factor in factors:
            vector.counts[count] = (quantity * factor) % (1 << 64)
            count += 1
    return vector


def amount_of(update: Update, amount: Amount, layout: Layout) -> int:
    """Return a site's amount as an integer from 0 to the amount's unit."""
    if amount == "samples":
        return min(update.samples, layout.most_samples)
    return 1 if amount == "site" else round(label_entropy(update.label_counts) * BALANCE_UNIT)


def decode(total: Vector, layout: Layout, sites: int) -> WeightedMean:
    """Return the weighted mean that the sum of ``sites`` vectors holds.

    Raise SumRefused where the integers cannot be a sum of bounded updates; random ones are recognised by their length.
    """
    parts, number, count = [], 0, 0
    for amount in layout.amounts:
        counts = total.counts[count : count + layout.counts // len(layout.amounts)].view(np.int64)
        numbers = total.numbers[number : number + layout.numbers // len(layout.amounts)].view(np.int32)
        number, count = number + numbers.size, count + counts.size
        unit = layout.unit(amount)
        if not 0 <= counts[0] <= sites * unit or (amount != "balance" and counts[0] < sites):
            raise SumRefused(f"the sum of {amount} is {counts[0]}, which {sites} sites cannot have")
        quantity = float(counts[0]) / (1 if amount == "samples" else unit)
        step, loss = _mean(numbers, counts, unit, layout) if counts[0] else ({}, 0.0)
        parts.append(AmountMean(step, loss, quantity))
    return WeightedMean(tuple(parts))


def _check(update: Update, layout: Layout) -> None:
    named = {tensor.name: tensor.shape for tensor in layout.tensors}
    if {name: tensor.shape for name, tensor in update.tensors.items()} != named:
        raise SumRefused("the update's tensors are not those of the model")
    if not (isfinite(update.loss) and update.loss >= 0):
        raise SumRefused(f"its loss is {update.loss}; look for diverged training or broken frames there")
    if update.samples < 1:
        raise SumRefused("it has no labelled frames; a site needs at least one")
    for tensor in layout.tensors:
        values = update.tensors[tensor.name]
        if tensor.floating and not np.isfinite(values).all():
            raise SumRefused("the update holds numbers that are not finite; look for diverged training there")
        if not tensor.floating and values.size and int(np.abs(values).max()) > LARGEST_FACTOR:
            raise SumRefused(f"the integers of {tensor.name} changed by more than {LARGEST_FACTOR}")


def _write_numbers(values: NDArray[Any], factor: float, layout: Layout, out: NDArray[np.uint32]) -> None:
    """Write ``rint(factor * values)`` modulo 2**32; each value counts as at most ``clip`` in size."""
    for piece in blocks(values.size):
        bounded = np.clip(values[piece].astype(np.float64), -layout.clip, layout.clip)
        bounded *= factor
        np.rint(bounded, out=bounded)
        out[piece] = bounded.astype(np.int32).view(np.uint32)


def _mean(
    numbers: NDArray[np.int32], counts: NDArray[np.int64], unit: int, layout: Layout
) -> tuple[dict[str, NDArray[Any]], float]:
    """Return the mean step and loss by one amount; raise SumRefused where the step is longer than any update."""
    amount, step = int(counts[0]), {}
    number, count = 0, 2
    for tensor in layout.tensors:
        working = working_type(np.dtype(tensor.dtype))
        if tensor.floating:
            values = np.empty(tensor.size, working)
            part, factor = numbers[number : number + tensor.size], unit / (layout.scale * amount)
            for piece in blocks(tensor.size):
                np.multiply(part[piece], factor, out=values[piece], casting="same_kind")
            number += tensor.size
        else:
            values = counts[count : count + tensor.size] / np.float64(amount)
            count += tensor.size
        step[tensor.name] = values.reshape(tensor.shape).astype(working, copy=False)
    length, loss = norm(_floating(step, layout.tensors)), float(counts[1]) / amount / LOSS_UNIT
    rounding = 0.5 * layout.sites * unit / (layout.scale * amount) * max(1.0, numbers.size) ** 0.5
    if length > layout.clip * (1 + SLACK) + rounding or not 0 <= loss <= LARGEST_FACTOR / LOSS_UNIT:
        raise SumRefused(
            f"the sum is not a sum of updates: their mean has norm {length:.3g} and loss {loss:.3g}"
        )
    return step, loss


def _floating(step: State, tensors: Sequence[TensorShape]) -> State:
    return {tensor.name: step[tensor.name] for tensor in tensors if tensor.floating}
