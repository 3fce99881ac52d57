"""How one training runs; known to federations and tasks alike, so it imports no framework."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How one training runs."""

    epochs: int
    batch: int = 16  # examples a step
    learning_rate: float = 1e-3  # of Adam, at the start; falls to a tenth over the epochs when annealed
    proximal_mu: float = 0.0  # FedProx's pull towards the start, Li et al. 2020: mu / 2 * ||y - x||^2
    annealed: bool = False
