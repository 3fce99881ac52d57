"""The three ways to fill gaps, by name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage, Healed


class Method(StrEnum):
    """How gaps are filled."""

    SYMMETRY = "symmetry"
    SMOOTH = "smooth"
    NETWORK = "network"


def known_method(name: str) -> Method:
    """Return a method by its name; raise ConfigError for another."""
    try:
        return Method(name)
    except ValueError:
        raise ConfigError(f"method {name!r} is unknown. Known: {', '.join(Method)}.") from None


def place(beam: tuple[float, float]) -> Beam:
    """Return a beam that is given as (column, row)."""
    return Beam(*beam, confidence=1.0)


def fill_gaps(
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

    found = beam or estimate_beam(image)
    return heal_by_symmetry(image, (found.column, found.row))
