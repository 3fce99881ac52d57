"""The three ways to fill gaps, by name."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.extras import require
from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage, Healed

Fill = Callable[[GappedImage, Beam | None], Healed]
"""Fills an image's gaps; the beam is used by methods that need one."""


class Method(StrEnum):
    """One way to fill gaps."""

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


def filler(method: Method, model: Path | None = None) -> Fill:
    """Return the function of a method; without a beam, ``symmetry`` estimates it.

    Without a model, ``network`` takes the packaged one. Raises MissingExtraError for ``smooth`` without the extra
    [heal], ModelFileError for a file that is no model.
    """
    if method is Method.SMOOTH:
        from fedbragg.tasks.tags.healing.smooth import heal_smoothly

        require("heal", "healing with --method smooth")
        return lambda image, beam: heal_smoothly(image)
    if method is Method.NETWORK:
        from fedbragg.tasks.tags.healing.network.healer import Healer, default_model

        healer = Healer(model or default_model())
        return lambda image, beam: healer(image)
    return _by_symmetry


def _by_symmetry(image: GappedImage, beam: Beam | None) -> Healed:
    from fedbragg.tasks.tags.healing.symmetry.heal import heal_by_symmetry

    found = beam or estimate_beam(image)
    return heal_by_symmetry(image, (found.column, found.row))
