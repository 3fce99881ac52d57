"""Choose the statistics by which BatchNorm normalises while a network is trained."""

from __future__ import annotations

from torch import nn


def begin_training(network: nn.Module, fixed_statistics: bool) -> None:
    """Put a network into training mode; with ``fixed_statistics`` its norms use the model's means and variances.

    This is the second stage of FixBN (Zhong, Chen and Chao 2023, arXiv:2303.06530): sites with small batches or unlike
    data normalise alike, as the averaged model will. Scales and shifts are trained, the statistics stay.
    """
    network.train()
    for module in network.modules() if fixed_statistics else ():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.eval()
