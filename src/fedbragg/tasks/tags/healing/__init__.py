"""Fill the gaps of scattering images: by symmetry and rings, by smooth surfaces, or by a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fedbragg.tasks.tags.healing.healed import Healed


def heal(
    counts: NDArray[Any],
    gaps: NDArray[np.bool_],
    method: str = "symmetry",
    beam: tuple[float, float] | None = None,
) -> Healed:
    """Fill the gaps (rows, cols) of an image (rows, cols) by ``symmetry``, ``smooth`` or ``network``.

    Values that are not finite are gaps, too. ``beam`` is (column, row) in pixels; None estimates it. Pixels that no
    measured pixel can fill stay NaN. Raises InputError where nothing was measured, ConfigError for another method.
    """
    from fedbragg.tasks.tags.healing.healed import image_of
    from fedbragg.tasks.tags.healing.methods import filler, known_method, place

    fill = filler(known_method(method))
    return fill(image_of(counts, gaps), None if beam is None else place(beam))
