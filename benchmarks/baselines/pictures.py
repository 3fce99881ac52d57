"""The baselines' own preprocessing as published; unpublished details are chosen in their favour."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from fedbragg.types import Frame

EDGE = 960
KE_CROP = 720
FEDKL_CROP = 320
SHIFT = 40
"""Pixels by which FedKL's random crops leave the centre; the paper gives no figure."""
Picture = NDArray[np.uint16]


def picture(frame: Frame) -> Picture:
    """Scale a frame to (960, 960) of 16 bit: masked and negative pixels are 0, bilinear (Ke et al. 2018).

    With antialiasing: without it two spots in three would fall between the samples.
    """
    counts = np.where(frame.mask | (frame.counts < 0), 0, frame.counts).astype(np.float32)
    image = torch.from_numpy(counts)[None, None]
    scaled = interpolate(image, (EDGE, EDGE), mode="bilinear", align_corners=False, antialias=True)
    return scaled[0, 0].clamp(0, 65535).round().numpy().astype(np.uint16)


def contrast_normalised(crop: NDArray[Any]) -> Tensor:
    """Return (1, rows, cols): local contrast normalisation by a 5 x 5 box, as Ke et al.'s code has it."""
    image = torch.from_numpy(crop.astype(np.float32))[None]
    level = (image - image.mean()) / image.std().clamp(min=1e-6)
    padded = pad(level, (2, 2, 2, 2), mode="reflect")
    mean = avg_pool2d(padded, 5, 1)
    variance = (avg_pool2d(padded**2, 5, 1) - mean**2).clamp(min=0)
    # Not sqrt(): its first call on two threads gives one of them 12 bits only, one time in ten (torch 2.13, MKL).
    return (level - mean) * variance.clamp(min=1).rsqrt()


def ke_random(full: Picture, generator: np.random.Generator) -> Tensor:
    row, col = generator.integers(0, EDGE - KE_CROP + 1, 2)
    return contrast_normalised(full[row : row + KE_CROP, col : col + KE_CROP])


def ke_centre(full: Picture) -> Tensor:
    start = (EDGE - KE_CROP) // 2
    return contrast_normalised(full[start : start + KE_CROP, start : start + KE_CROP])


def eight_bit(full: Picture) -> NDArray[np.uint8]:
    """Scale so that all but one pixel in 10,000 fit: dividing 16 bit by 256 would leave photon counters black."""
    top = max(float(np.quantile(full, 0.9999)), 1.0)
    return np.clip(np.rint(full * (255 / top)), 0, 255).astype(np.uint8)


def fedkl_random(full: Picture, generator: np.random.Generator) -> Tensor:
    """Shift the centre crop, turn it by quarters and mirror it."""
    row, col = generator.integers(-SHIFT, SHIFT + 1, 2)
    crop = np.rot90(_fedkl_crop(full, int(row), int(col)), int(generator.integers(4)))
    if generator.random() < 0.5:
        crop = crop[:, ::-1]
    return torch.from_numpy(crop.astype(np.float32) / 255)[None]


def fedkl_centre(full: Picture) -> Tensor:
    return torch.from_numpy(_fedkl_crop(full, 0, 0).astype(np.float32) / 255)[None]


def _fedkl_crop(full: Picture, row: int, col: int) -> NDArray[np.uint8]:
    start = (EDGE - FEDKL_CROP) // 2
    return eight_bit(full)[start + row : start + row + FEDKL_CROP, start + col : start + col + FEDKL_CROP]
