"""Fixed measures of a peak's surroundings over 3 x 3, 5 x 5 and 9 x 9 cells, independent of direction.

A Bragg spot is isolated or among other spots. A powder ring, a streak or the edge of a shadow is a row of peaks with
bright rims. A hot pixel or a zinger has no wings. These measures, the peak's own profile and its context are 64
numbers that do not change under quarter turns and mirror images. They are not trained: the network, which travels in a
federation, only learns their weights.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE
from fedbragg.tasks.hits.windows import REACHES, WINDOW
from fedbragg.types import View

LEAST = 4.0
"""Standard deviations above which a cell's peak counts in the surroundings of another."""
MEASURES = len(CHANNELS) + len(REACHES) * (9 + 3) + 2 + len(PROFILE) + len(CONTEXT)


def measures_of(view: View) -> Tensor:
    """Return the measures (peaks, 64) of a View."""
    return surroundings(
        torch.from_numpy(view.channels), torch.from_numpy(view.cells), torch.from_numpy(view.profiles)
    )


def surroundings(channels: Tensor, cells: Tensor, profiles: Tensor) -> Tensor:
    """Return the measures (peaks, 64) of a View's channels (4, rows, cols), cells (peaks, 2) and profiles."""
    window = _windows(channels, cells)
    maps = _maps(window)  # (peaks, 9, 9, 9)
    middle = WINDOW // 2
    parts = [window[:, :, middle, middle]]
    for reach in REACHES:
        near = maps[:, :, middle - reach : middle + reach + 1, middle - reach : middle + reach + 1].flatten(2)
        parts += [near.mean(dim=2), near[:, :3].amax(dim=2)]
    return torch.cat([*parts, _lines(window[:, 0]), profiles], dim=1)


def _windows(channels: Tensor, cells: Tensor) -> Tensor:
    """Cut the surroundings (peaks, 4, 9, 9) of cells from the channels; everything beyond the frame is masked."""
    beyond = torch.zeros(len(CHANNELS), 1, 1)
    beyond[-1] = 1.0
    edge = WINDOW // 2
    padded = nn.functional.pad(channels - beyond, (edge, edge, edge, edge)) + beyond
    width = padded.shape[2]
    steps = torch.arange(WINDOW)
    offsets = (steps[:, None] * width + steps[None, :]).reshape(-1)  # (81,) within the flattened padded frame
    places = (cells[:, 0] * width + cells[:, 1])[:, None] + offsets[None, :]  # (peaks, 81)
    cut = padded.reshape(len(CHANNELS), -1)[:, places]  # (4, peaks, 81)
    return cut.permute(1, 0, 2).reshape(-1, len(CHANNELS), WINDOW, WINDOW)


def _maps(window: Tensor) -> Tensor:
    """Return the nine maps (peaks, 9, 9, 9) that are averaged, from the channels (peaks, 4, 9, 9)."""
    core, wings, rim, masked = window.unbind(dim=1)
    peak = (core > math.log1p(LEAST)).to(core.dtype)
    bright_rim, dark_rim = (rim > 1).to(core.dtype), (rim < -1).to(core.dtype)
    single = peak * torch.relu(core - wings)  # one pixel alone: a zinger
    return torch.stack(
        [core, wings, rim, masked, peak, bright_rim, dark_rim, single, peak * torch.relu(rim)], dim=1
    )


def _lines(core: Tensor) -> Tensor:
    """Return the highest and lowest mean (peaks, 2) of the significance along four lines through the peak."""
    middle = WINDOW // 2
    lines = [
        core[:, middle, :].mean(dim=1),
        core[:, :, middle].mean(dim=1),
        core.flatten(1)[:, :: WINDOW + 1].mean(dim=1),
        core.flatten(1)[:, WINDOW - 1 : -1 : WINDOW - 1].mean(dim=1),
    ]
    means = torch.stack(lines, dim=1)
    return torch.stack([means.amax(dim=1), means.amin(dim=1)], dim=1)
