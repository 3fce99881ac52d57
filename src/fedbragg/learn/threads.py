"""The number of cores that one training uses."""

from __future__ import annotations

import torch


def keep_to_one_core() -> None:
    """Let every training in this process use one core.

    Engines run several trainings at a time, and more threads change the order of sums, and so the numbers.
    """
    torch.set_num_threads(1)
    # MKL gives 12-bit results to one of two threads that call it for the first time at once, so call it now.
    torch.ones(1).sqrt()
