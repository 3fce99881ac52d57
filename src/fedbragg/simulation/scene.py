"""The scene of a frame: everything that it shows except crystals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.coherent import Speckle
from fedbragg.simulation.background.radial import Rings, inverse_spacings, smooth_scattering
from fedbragg.simulation.background.shadows import Shadow, Streak
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.detector.image_plate import ImagePlate

Table = NDArray[np.float64]


@dataclass(slots=True)
class StillScene:
    """One frame without crystals, in expected photons; artefacts change it."""

    radial: Table
    """(radii,), STEPS_PER_PIXEL a pixel: expected photons a pixel before the detector's geometric factors."""
    rings: list[Rings] = field(default_factory=list)
    grain_spots: list[Table] = field(default_factory=list)
    """Each (n, 6), as exposure.add_expected_spots takes it."""
    film: NDArray[np.float32] | None = None  # (rows, cols), expected photons of a film at grazing incidence
    speckle: Speckle | None = None
    fluorescence: float = 0.0  # expected photons a pixel, the same in all directions
    distance_factor: float = 1.0  # distance of the detector relative to the beamline's
    shadows: list[Shadow] = field(default_factory=list)
    streaks: list[Streak] = field(default_factory=list)
    tilt: tuple[float, float] = (0.0, 0.0)  # relative rise from edge to edge along columns and rows
    zinger_factor: float = 1.0  # mean number of zingers relative to the beamline's
    extra_zingers: int = 0
    extra_hot_pixels: int = 0
    cosmic_rays: int = 0
    cosmic_strength: float = 0.0  # photons that a muon equals along one pixel, median
    image_plate: ImagePlate | None = None  # records the frame in place of the beamline's detector
    edge_factor: float = 1.0  # brightness of pixels beside a gap


def typical_background(beamline: Beamline, generator: np.random.Generator) -> StillScene:
    """Draw a frame's background without artefacts; flux, jet and air vary from frame to frame."""
    background = beamline.background
    level = background.level * np.exp(generator.normal(0, background.spread))
    level *= np.exp(generator.normal(0, beamline.beam.flux_spread))
    air, solvent = np.exp(generator.normal(0, 0.15)), np.exp(generator.normal(0, 0.3))
    tilt_x, tilt_y = np.clip(generator.normal(0, 0.08, size=2), -0.9, 0.9).tolist()
    background = replace(
        background, floor=background.floor * float(generator.lognormal(0, background.floor_spread))
    )
    radial = level * smooth_scattering(background, inverse_spacings(beamline), float(air), float(solvent))
    return StillScene(radial, tilt=(tilt_x, tilt_y))
