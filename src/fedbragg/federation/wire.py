"""How an update travels: as it is, in half precision, or in FedPAQ's few bits; every engine uses this.

Integers and BatchNorm's running statistics always travel as they are: they are few, and a noisy variance
harms every later prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.quantise import Packed, packed, unpacked
from fedbragg.types import Update

STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """An update on its way: the fields of Update, its tensors as they travel."""

    site: str
    version: int
    tensors: Mapping[str, NDArray[Any] | Packed]
    samples: int
    label_counts: tuple[tuple[int, ...], ...]
    loss: float

    @property
    def nbytes(self) -> int:
        """Return the bytes of all tensors."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


def sealed(update: Update, rules: FederationSettings, generator: np.random.Generator) -> Parcel:
    """Make a parcel of an update, sharing no memory with it."""
    way = "quantised" if rules.aggregation == "fedpaq" else rules.travel
    tensors = {
        name: _sealed(name, tensor, way, rules.travel_bits, generator)
        for name, tensor in update.tensors.items()
    }
    return Parcel(update.site, update.version, tensors, update.samples, update.label_counts, update.loss)


def opened(parcel: Parcel) -> Update:
    """Return the update that a parcel stands for; nothing is checked here, see validate.py."""
    tensors = {
        name: unpacked(tensor) if isinstance(tensor, Packed) else tensor
        for name, tensor in parcel.tensors.items()
    }
    return Update(parcel.site, parcel.version, tensors, parcel.samples, parcel.label_counts, parcel.loss)


def _sealed(
    name: str, tensor: NDArray[Any], way: str, bits: int, generator: np.random.Generator
) -> NDArray[Any] | Packed:
    plain = name.endswith(STATISTICS) or not np.issubdtype(tensor.dtype, np.floating)
    # What is not finite could not be quantised; it travels as it is, to be refused with the right reason.
    if way == "full" or plain or not np.isfinite(tensor).all():
        return np.array(tensor)
    if way == "quantised":
        return packed(tensor, bits, generator)
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and the update is refused
        return tensor.astype(np.float16)
