"""The images that judge networks of tags under each condition, and the average precision of each tag."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.tags_conditions import Change, cases
from fedbragg.metrics.average_precision import average_precision
from fedbragg.tasks.tags.halve import halved
from fedbragg.tasks.tags.prepare import view_of
from fedbragg.types import Frame

EXPERIMENTS, IMAGES = 250, 4
"""Unseen experiments, and images of each, that judge every condition."""
FEWEST = 5
"""Fewest images with a tag, and fewest without it, for an average precision."""


def as_read(views: Tensor) -> Tensor:
    """Return whole views as the network reads them, (images, channels, READ, READ) in half precision."""
    return torch.cat([halved(part.float()).half() for part in views.split(64)])


def views_and_tags(change: Change, experiments: int) -> tuple[Tensor, NDArray[np.int8]]:
    """Return the prepared images (images, channels, cells, cells) of one condition and their tags (images, tags)."""
    views, truth = [], []
    for case in cases(change, experiments, IMAGES):
        views.append(torch.from_numpy(view_of(Frame(case.counts, case.mask, "", 0)).channels).half())
        truth.append(case.tags)
    return torch.stack(views), np.array(truth)


def precisions(truth: NDArray[np.int8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the average precision of each tag (tags,); NaN where too few images have it or lack it."""
    found = []
    for t, s in zip(truth.T, scores.T, strict=True):
        known = t >= 0
        enough = (t == 1).sum() >= FEWEST and (t == 0).sum() >= FEWEST
        found.append(average_precision(t[known] == 1, s[known]).value if enough else np.nan)
    return np.array(found)
