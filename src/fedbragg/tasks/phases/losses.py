"""The cross-entropies to choose from: they weigh an error by phase, by origin of the pattern, or by confidence.

All ignore unknown labels and take the mean over the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fedbragg.tasks.phases.settings import LossName

FOCUS = 2.0
"""Gamma of the focal loss (Lin et al. 2017), which reduces the weight of examples that are already right."""
MEASURED_WEIGHT = 20.0
"""Weight of a measured pattern against a simulated one in the domain-weighted loss."""
PRESENT_WEIGHT = 1.6
"""Weight of a presence against an absence in the tailored loss (Li et al. 2024; their code, pnnl/mlxrd)."""
MOST_POSITIVE = 10.0
"""Largest weight of a presence; its inverse is the smallest."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The inputs of a loss."""

    logits: Tensor  # (batch, phases)
    labels: Tensor  # (batch, phases) 1, 0, or -1 for unknown
    measured: Tensor  # (batch,) True if measured, False if simulated


def positive_weights(labels: Tensor) -> Tensor:
    """Return the weight of a presence of each phase (phases,): absences per presence, from 1/10 to 10."""
    positive, negative = (labels == 1).sum(dim=0), (labels == 0).sum(dim=0)
    return (negative / positive.clamp(min=1)).clamp(1 / MOST_POSITIVE, MOST_POSITIVE)


def cross_entropy(name: LossName, batch: Batch, positive: Tensor, log_variance: Tensor) -> Tensor:
    """Return the mean loss; only some losses use ``positive`` (phases,) and ``log_variance`` (phases,)."""
    known = (batch.labels >= 0).float()
    entropy = nn.functional.binary_cross_entropy_with_logits(
        batch.logits,
        batch.labels.clamp(min=0),
        pos_weight=positive if name == "positive" else None,
        reduction="none",
    )
    if name == "focal":
        entropy = entropy * (1 - torch.exp(-entropy)) ** FOCUS
    weight = known
    if name == "tailored":
        weight = known * torch.where(batch.labels == 1, PRESENT_WEIGHT, 1.0)
    if name == "domain":
        weight = known * torch.where(batch.measured, MEASURED_WEIGHT, 1.0).unsqueeze(1)
    if name == "uncertainty":  # Kendall et al. 2018: each phase's loss over its learnt variance
        entropy = entropy * torch.exp(-log_variance) + log_variance / 2
    return (entropy * weight).sum() / weight.sum().clamp(min=1.0)
