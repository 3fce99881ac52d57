"""The three ways to heal an image, by name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage, Healed


class Method(StrEnum):
    """How gaps are filled."""

    SYMMETRY = "symmetry"
    SMOOTH = "smooth"
    NETWORK = "network"


def heal(
    image: GappedImage, method: Method = Method.SYMMETRY, beam: Beam | None = None, model: Path | None = None
) -> Healed:
    """Fill the gaps of an image.

    Without a beam, ``symmetry`` estimates it; without a model, ``network`` takes the packaged one. Raises
    MissingExtraError for ``smooth`` without the extra [heal], ModelFileError for a model that is none.
    """
    if method is Method.SMOOTH:
        from fedbragg.tasks.tags.healing.smooth import heal_smoothly

        return heal_smoothly(image)
    if method is Method.NETWORK:
        from fedbragg.tasks.tags.healing.network.healer import Healer, default_model

        return Healer(model or default_model())(image)
    from fedbragg.tasks.tags.healing.symmetry.heal import heal_by_symmetry

    place = beam or estimate_beam(image)
    return heal_by_symmetry(image, (place.column, place.row))
