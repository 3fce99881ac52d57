"""The tailored cross-entropies: what an error costs, by phase, by origin of the pattern, by how sure the network is.

All leave out labels that are unknown, and take the mean over the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fedbragg.tasks.phases.settings import LossName

FOCUS = 2.0
"""Focal loss' gamma (Lin et al. 2017): how little an example counts that is right already."""
MEASURED_WEIGHT = 20.0
"""What a measured pattern counts against a simulated one in the domain-weighted loss."""
MOST_POSITIVE = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a loss may look at."""

    logits: Tensor  # (batch, phases)
    labels: Tensor  # (batch, phases) 1, 0, or -1 for unknown
    measured: Tensor  # (batch,) whether the pattern was measured, not simulated


def positive_weights(labels: Tensor) -> Tensor:
    """Return absences per presence of each phase (phases,), at most ten: what a presence then counts."""
    positive, negative = (labels == 1).sum(dim=0), (labels == 0).sum(dim=0)
    return (negative / positive.clamp(min=1)).clamp(1 / MOST_POSITIVE, MOST_POSITIVE)


def cross_entropy(name: LossName, batch: Batch, positive: Tensor, log_variance: Tensor) -> Tensor:
    """Return the mean loss; ``positive`` (phases,) and ``log_variance`` (phases,) serve the losses that use them."""
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
    if name == "domain":
        weight = known * torch.where(batch.measured, MEASURED_WEIGHT, 1.0).unsqueeze(1)
    if name == "uncertainty":  # Kendall et al. 2018: each phase's loss over its own learnt variance
        entropy = entropy * torch.exp(-log_variance) + log_variance / 2
    return (entropy * weight).sum() / weight.sum().clamp(min=1.0)
