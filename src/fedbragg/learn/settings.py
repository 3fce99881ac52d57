"""Settings of one training; federations and tasks use them, so this module imports no framework."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of one training."""

    epochs: int
    batch: int = 16  # examples a step
    learning_rate: float = 1e-3  # of Adam, at the start; annealed, it falls to a tenth over the epochs
    proximal_mu: float = 0.0  # weight of FedProx's term mu / 2 * ||y - x||^2 (Li et al. 2020), x the start
    annealed: bool = False
