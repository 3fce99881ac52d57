"""Mask labels that have only one answer: they cannot teach where the other begins."""

from __future__ import annotations

import torch
from torch import Tensor


def without_one_sided(labels: Tensor) -> Tensor:
    """Return labels (examples, questions) of 1, 0 and -1, -1 throughout where all known ones are alike.

    A network trained on "never" answers that for every example; averaged with others, it outvotes the sites that
    have both answers (docs/decisions/0064-one-sided-phases-are-masked.md).
    """
    both = (labels == 0).any(dim=0) & (labels == 1).any(dim=0)
    return torch.where(both, labels, -1.0)
