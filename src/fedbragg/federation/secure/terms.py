"""The terms on which all sites of a sum agree: the start model, the integers' meaning, how many must open it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fedbragg.federation.plan import Plan
from fedbragg.federation.secure.fixed_point import FEWEST_SITES, Layout, TensorShape
from fedbragg.state_arithmetic import working_type
from fedbragg.types import State


@dataclass(frozen=True, slots=True)
class Terms:
    """The content of a sum, and the sites that may open it."""

    model: str  # SHA-256 of the model that all sites trained from
    layout: Layout
    threshold: int = 0  # sites that open a sum together; 0 is a majority

    @classmethod
    def of(cls, plan: Plan, sites: int, model: State) -> Terms:
        """Return the terms of a barrier of ``sites`` sites that train from ``model``."""
        tensors = tuple(
            TensorShape(name, _type_of_mean(tensor.dtype), tensor.shape)
            for name, tensor in sorted(plan.wanted("", model).items())
        )
        rule, privacy = plan.rule, plan.privacy
        layout = Layout(tensors, rule.amounts, sites, plan.settings.clip, privacy.most_samples)
        return cls(model_digest(model), layout, privacy.threshold)

    def needed(self, sites: int) -> int:
        """Return how many of ``sites`` must sign and open a sum: at least a majority, so that two lists cannot pass."""
        return max(self.threshold, sites // 2 + 1)

    def fewest(self, sites: int) -> int:
        """Return how many of ``sites`` must be in a sum."""
        return max(self.needed(sites), FEWEST_SITES)

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the terms."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).digest()


def model_digest(model: State) -> str:
    """Return the SHA-256 of a model's names, types, shapes and numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.items()):
        digest.update(f"{name}\n{tensor.dtype.str}\n{tensor.shape}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _type_of_mean(dtype: np.dtype[Any]) -> str:
    return str(working_type(dtype)) if np.issubdtype(dtype, np.floating) else "int64"
