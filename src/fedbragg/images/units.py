"""Convert lengths and photon energies from the units of a file to those of Geometry."""

from __future__ import annotations

METRE = {
    **dict.fromkeys(("m", "metre", "meter", "metres", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimeter"), 1e-2),
    **dict.fromkeys(("mm", "millimetre", "millimeter", "millimetres", "millimeters"), 1e-3),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometre", "micrometer"), 1e-6),
    **dict.fromkeys(("nm", "nanometre", "nanometer"), 1e-9),
    **dict.fromkeys(("a", "å", "å", "angstrom", "angstroms", "ångström"), 1e-10),
    **dict.fromkeys(("pm", "picometre", "picometer"), 1e-12),
}
ELECTRONVOLT = {"ev": 1.0, "kev": 1e3, "mev": 1e6, "j": 1 / 1.602176634e-19, "joule": 1 / 1.602176634e-19}
HC = 12398.419843320026
"""Planck's constant times the speed of light in electronvolt angstrom (CODATA 2018, exact)."""


def metres(value: float, unit: str) -> float | None:
    """Convert a length to metres; return None for a unit that is no length."""
    factor = METRE.get(unit.strip().lower())
    return None if factor is None else value * factor


def angstroms(value: float, unit: str) -> float | None:
    """Convert a length to angstrom; return None for a unit that is no length."""
    factor = METRE.get(unit.strip().lower())
    return None if factor is None else value * (factor / METRE["angstrom"])


def wavelength_of(energy: float, unit: str) -> float | None:
    """Convert a photon energy to a wavelength in angstrom; return None for zero or a unit that is no energy."""
    factor = ELECTRONVOLT.get(unit.strip().lower())
    return None if factor is None or energy <= 0 else HC / (energy * factor)
