"""Encode updates before they are sent: unchanged, in half precision, or in FedPAQ's few bits.

Every engine uses this. Integers and BatchNorm's running statistics are always sent unchanged: they are few,
and noise in a variance harms every later prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.quantise import QuantisedTensor, dequantise, quantise
from fedbragg.federation.rules.apply import compression_of
from fedbragg.state_arithmetic import is_weight
from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True, eq=False)
class EncodedUpdate:
    """An update as it is sent: the fields of Update, with encoded tensors."""

    site: str
    version: int
    tensors: Mapping[str, NDArray[Any] | QuantisedTensor]
    samples: int
    label_counts: tuple[tuple[int, ...], ...]
    loss: float
    style: State = field(default_factory=dict)  # sent unchanged
    steps: int = 0
    gradient: State = field(default_factory=dict)  # sent unchanged

    @property
    def nbytes(self) -> int:
        """Return the bytes of all tensors."""
        parts = (self.tensors, self.style, self.gradient)
        return sum(tensor.nbytes for part in parts for tensor in part.values())


def encode(update: Update, settings: FederationSettings, generator: np.random.Generator) -> EncodedUpdate:
    """Encode an update; the result shares no memory with it."""
    compression, bits = compression_of(settings), settings.compression_bits
    tensors = {
        name: _encode(name, tensor, compression, bits, generator) for name, tensor in update.tensors.items()
    }
    return EncodedUpdate(tensors=tensors, **_beside_tensors(update))


def decode(encoded: EncodedUpdate) -> Update:
    """Return the update; validate.py checks it, this does not."""
    tensors = {
        name: dequantise(tensor) if isinstance(tensor, QuantisedTensor) else tensor
        for name, tensor in encoded.tensors.items()
    }
    return Update(tensors=tensors, **_beside_tensors(encoded))


def _beside_tensors(update: Update | EncodedUpdate) -> dict[str, Any]:
    return {each.name: getattr(update, each.name) for each in fields(update) if each.name != "tensors"}


def _encode(
    name: str, tensor: NDArray[Any], compression: str, bits: int, generator: np.random.Generator
) -> NDArray[Any] | QuantisedTensor:
    # Numbers that are not finite cannot be quantised; unchanged, they are refused with the right reason.
    if compression == "full" or not is_weight(name, tensor) or not np.isfinite(tensor).all():
        return np.array(tensor)
    if compression == "quantised":
        return quantise(tensor, bits, generator)
    with np.errstate(over="ignore"):  # a number that overflows becomes infinite, and the update is refused
        return tensor.astype(np.float16)
