"""The network: a U-Net (Ronneberger, Fischer and Brox 2015) with residual units, as MONAI builds it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.learn.state import load_state, state_of, with_answers
from fedbragg.types import State

CHANNELS, STRIDES = (16, 32, 48, 64, 80, 96, 96), (1, 2, 2, 2, 2, 2)
"""Widths of the U-Net at one half of the picture's size, and at each halving down to one 64th.

Two phases often differ in shape alone, so a pixel within a particle must see beyond its rim.
"""
FEATURES = 24
"""Numbers from which the classes of two by two pixels follow."""
SLOPE = 0.1
"""Slope of the activation below zero."""
FOLD = 2
"""pixel, along the edge of the squares that the U-Net reads and answers as one."""
LAST = ("head.weight", "head.bias")
"""Names of the tensors that have FOLD * FOLD rows for each class."""


class SegmentNet(nn.Module):
    """Map scaled pictures (batch, 3, rows, cols) to logits (batch, classes, rows, cols); sizes are multiples of 64.

    Squares of two by two pixels become channels before the U-Net and pixels again after it (Shi et al. 2016): at full
    size it would spend most of its time on the few channels there.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        from monai.networks.nets.unet import UNet

        activation = ("leakyrelu", {"inplace": True, "negative_slope": SLOPE})
        self.unet = UNet(
            2, 3 * FOLD**2, FEATURES, CHANNELS, STRIDES, num_res_units=1, act=activation, norm="batch"
        )
        self.norm = nn.BatchNorm2d(FEATURES)
        self.head = nn.Conv2d(FEATURES, classes * FOLD**2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        features = functional.leaky_relu(self.norm(self.unet(folded(pictures))), SLOPE)
        logits: Tensor = functional.pixel_shuffle(self.head(features), FOLD)
        return logits


def folded(pictures: Tensor) -> Tensor:
    """Return squares of FOLD x FOLD pixels as channels; written out, as the export of torch's own reorders them."""
    batch, colours, rows, cols = pictures.shape
    squares = pictures.reshape(batch, colours, rows // FOLD, FOLD, cols // FOLD, FOLD)
    return squares.permute(0, 1, 3, 5, 2, 4).reshape(batch, colours * FOLD**2, rows // FOLD, cols // FOLD)


def new_network(classes: int, seed: int) -> SegmentNet:
    """Return a network with random weights that only the seed decides (He et al. 2015)."""
    generator = torch.Generator().manual_seed(seed)
    network = SegmentNet(classes)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, 0.1, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def network_of(state: State, classes: int) -> SegmentNet:
    """Return a network with a state's weights."""
    network = SegmentNet(classes)
    load_state(network, state)
    return network


def with_classes(state: State, known: Sequence[str], wanted: Sequence[str], seed: int) -> State:
    """Return a state for other classes: all but the last layer, where the classes that both have keep their weights."""
    return with_answers(state, state_of(new_network(len(wanted), seed)), LAST, known, wanted)
