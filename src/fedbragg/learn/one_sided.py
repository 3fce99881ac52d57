"""Labels with only one answer: they hold no example of where the other begins."""

from __future__ import annotations

import torch
from torch import Tensor


def without_one_sided(labels: Tensor) -> Tensor:
    """Return labels (examples, questions) of 1, 0 and -1, -1 throughout where all known ones are alike.

    A network trained on "never" learns to answer so whatever it sees; averaged with others, that outvotes those who
    know (docs/decisions/0064-one-sided-phases-are-masked.md).
    """
    both = (labels == 0).any(dim=0) & (labels == 1).any(dim=0)
    return torch.where(both, labels, -1.0)
