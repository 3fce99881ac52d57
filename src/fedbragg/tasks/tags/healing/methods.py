"""The two ways to fill gaps, by name."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from fedbragg.errors import ConfigError
from fedbragg.extras import require
from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage, Healed

Fill = Callable[[GappedImage, Beam | None], Healed]
"""Fills an image's gaps; the beam is used by methods that need one."""


class Method(StrEnum):
    """How gaps are filled."""

    SYMMETRY = "symmetry"
    SMOOTH = "smooth"


def known_method(name: str) -> Method:
    """Return a method by its name; raise ConfigError for another."""
    try:
        return Method(name)
    except ValueError:
        raise ConfigError(f"method {name!r} is unknown. Known: {', '.join(Method)}.") from None


def place(beam: tuple[float, float]) -> Beam:
    """Return a beam that is given as (column, row)."""
    return Beam(*beam, confidence=1.0)


def filler(method: Method) -> Fill:
    """Return what fills gaps by a method; without a beam, ``symmetry`` estimates it.

    Raises MissingExtraError for ``smooth`` without the extra [heal].
    """
    if method is Method.SMOOTH:
        from fedbragg.tasks.tags.healing.smooth import heal_smoothly

        require("heal", "healing with --method smooth")
        return lambda image, beam: heal_smoothly(image)
    return _by_symmetry


def _by_symmetry(image: GappedImage, beam: Beam | None) -> Healed:
    from fedbragg.tasks.tags.healing.symmetry.heal import heal_by_symmetry

    found = beam or estimate_beam(image)
    return heal_by_symmetry(image, (found.column, found.row))
