"""Heal by a biharmonic surface over the logarithm of the counts (scikit-image)."""

from __future__ import annotations

import numpy as np

from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage, Healed, filled
from fedbragg.tasks.tags.healing.reach import between_measured


def heal_smoothly(image: GappedImage) -> Healed:
    """Fill the gaps between measured pixels by the surface of least curvature. Needs the extra [heal].

    The surface passes through the measured pixels at a gap's edge, whose counting noise it carries into the gap.
    """
    from skimage.restoration import inpaint_biharmonic

    gap = between_measured(image.measured)
    logarithm = np.log1p(np.maximum(image.counts, 0))
    highest = max(float(logarithm.max()), 1e-6)
    surface = inpaint_biharmonic(np.where(image.measured, logarithm, 0) / highest, ~image.measured)
    values = np.where(gap, np.expm1(highest * surface), np.nan).astype(np.float32)
    return filled(image, values, np.full(values.shape, FilledBy.SMOOTH, np.uint8))
