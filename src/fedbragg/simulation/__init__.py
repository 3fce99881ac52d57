"""Simulate diffraction stills from first principles, with every true spot and a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedbragg.simulation.beamline import Background, Beam, Beamline, Detector, Mix, Sample, reduced
from fedbragg.simulation.named_beamlines import BEAMLINES

if TYPE_CHECKING:
    from fedbragg.simulation.run import simulate_run
    from fedbragg.simulation.still import Still

__all__ = [
    "BEAMLINES",
    "Background",
    "Beam",
    "Beamline",
    "Detector",
    "Mix",
    "Sample",
    "Still",
    "reduced",
    "simulate_run",
]


def __getattr__(name: str) -> Any:
    """Load the names that need compiled loops at first use, so that the command line starts fast."""
    if name == "simulate_run":
        from fedbragg.simulation.run import simulate_run

        return simulate_run
    if name == "Still":
        from fedbragg.simulation.still import Still

        return Still
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
