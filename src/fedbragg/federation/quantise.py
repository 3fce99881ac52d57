"""FedPAQ's quantiser (Reisizadeh et al. 2020; QSGD, Alistarh et al. 2017), several integers to a byte.

With s = 2**(bits - 1) - 1 levels, a number v of a tensor of length |V| becomes |V| sign(v) k / s, where k
is one of the two integers around s |v| / |V|, drawn so that the expectation is v. The norm is sent, and
``bits`` for each number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.state_arithmetic import blocks

SHORTEST = 1e-30
"""A shorter tensor is sent as zeros, because its levels would be too close together for single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedTensor:
    """A tensor as integer codes and a norm."""

    length: float  # Euclidean norm
    codes: NDArray[np.uint8]  # 8 / bits numbers a byte, the first in the highest bits
    shape: tuple[int, ...]
    bits: int  # 2, 4 or 8

    @property
    def nbytes(self) -> int:
        """Return the bytes sent: the codes and a float32."""
        return self.codes.nbytes + 4


def levels(bits: int) -> int:
    """Return s, the largest integer that a code can stand for."""
    return (1 << (bits - 1)) - 1


def quantise(tensor: NDArray[Any], bits: int, generator: np.random.Generator) -> QuantisedTensor:
    """Quantise a tensor by unbiased random rounding."""
    flat, s = tensor.reshape(-1), levels(bits)
    length = _length(flat)
    codes = np.zeros(-(-flat.size * bits // 8), dtype=np.uint8)
    for piece in blocks(flat.size) if 0 < length < inf else ():
        scaled = flat[piece].astype(np.float32) * np.float32(s / length)
        integers = np.floor(scaled + generator.random(scaled.size, dtype=np.float32))
        coded = (np.clip(integers, -s, s) + s).astype(np.uint8)
        codes[piece.start * bits // 8 : -(-(piece.start + coded.size) * bits // 8)] = _dense(coded, bits)
    return QuantisedTensor(length, codes, tensor.shape, bits)


def _length(flat: NDArray[Any]) -> float:
    """Return the norm as a float32; it is summed in double precision, where squares of small numbers survive."""
    wide = (flat[piece].astype(np.float64) for piece in blocks(flat.size))
    with np.errstate(over="ignore"):  # an infinite norm is sent, and the update is refused for it
        length = float(np.float32(np.sqrt(sum(float(np.vdot(piece, piece)) for piece in wide))))
    return length if length >= SHORTEST else 0.0


def dequantise(quantised: QuantisedTensor) -> NDArray[np.float32]:
    """Return the numbers that the codes stand for, in the tensor's shape."""
    size, s = int(np.prod(quantised.shape, dtype=np.int64)), levels(quantised.bits)
    if not quantised.length:
        return np.zeros(quantised.shape, dtype=np.float32)
    every_byte = _spread(np.arange(256, dtype=np.uint8), quantised.bits).reshape(256, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = (every_byte.astype(np.float32) - s) * np.float32(quantised.length / s)
    # take is three times as fast as indexing here; every code is within the table.
    return np.take(numbers, quantised.codes, axis=0, mode="clip").reshape(-1)[:size].reshape(quantised.shape)


def _dense(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Put 8 / bits codes into each byte."""
    a_byte = 8 // bits
    rows = np.zeros((-(-codes.size // a_byte), a_byte), dtype=np.uint8)
    rows.reshape(-1)[: codes.size] = codes
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    dense: NDArray[np.uint8] = np.bitwise_or.reduce(rows << shifts, axis=1)
    return dense


def _spread(dense: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return the codes of each byte, one after the other."""
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return ((dense[:, None] >> shifts) & np.uint8(2**bits - 1)).reshape(-1)
