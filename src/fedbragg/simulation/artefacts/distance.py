"""Move the detector back, for samples that scatter at small angles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.scene import StillScene


def move_detector_back(
    scene: StillScene, beamline: Beamline, limits: tuple[float, float], generator: np.random.Generator
) -> Beamline:
    """Move the detector to a random multiple of its distance within ``limits``, and scale the scene's background.

    Return the beamline with the moved detector.
    """
    scene.distance_factor = float(np.exp(generator.uniform(*np.log(limits))))
    radii = np.arange(len(scene.radial), dtype=float)
    scene.radial = np.interp(radii / scene.distance_factor, radii, scene.radial)
    far = replace(beamline.detector, distance=beamline.detector.distance * scene.distance_factor)
    return replace(beamline, detector=far)
