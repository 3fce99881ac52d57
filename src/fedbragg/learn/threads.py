"""How many cores one training takes."""

from __future__ import annotations

import torch


def keep_to_one_core() -> None:
    """Let every training in this process use one core.

    Engines run several at a time, and more threads change the order of sums, and with it the numbers.
    """
    torch.set_num_threads(1)
    torch.ones(
        1
    ).sqrt()  # the first must not come from two trainings at once: MKL then gives one of them 12 bits
