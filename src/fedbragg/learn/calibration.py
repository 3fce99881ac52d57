"""Shift logits by how often a site has each answer, so that its network does not learn its own label frequencies.

``margin``: FedLC (Zhang et al., ICML 2022) subtracts tau n_y^(-1/4) from the logit of answer y, where n_y of the site's
examples have that answer. ``prior``: the logit-adjusted loss (Menon et al., ICLR 2021, equation 10) adds tau log(n_y /
n). Both act in training only: the network is used without the shift.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fedbragg.learn.settings import Calibration

FEWEST = 1e-8
"""Count used for an answer that a site lacks: the answer drops out of the softmax, and the loss stays finite."""


def answer_shifts(counts: Sequence[int], calibration: Calibration | None) -> Tensor:
    """Return the shift of each answer's logit (answers,) for one question with these label counts."""
    numbers = torch.tensor(counts, dtype=torch.float64).clamp(min=FEWEST)
    if calibration is None:
        return torch.zeros(len(counts))
    if calibration.kind == "margin":
        return (-calibration.tau * numbers**-0.25).float()
    return (calibration.tau * torch.log(numbers / numbers.sum())).float()


def yes_shifts(label_counts: Sequence[Sequence[int]], calibration: Calibration | None) -> Tensor:
    """Return the shift of the logit of yes (questions,) for questions with these counts of no and yes.

    A sigmoid of z is a softmax of (0, z), so the shift is that of yes minus that of no.
    """
    shifts = [answer_shifts(counts, calibration) for counts in label_counts]
    return torch.stack([shift[1] - shift[0] for shift in shifts])
