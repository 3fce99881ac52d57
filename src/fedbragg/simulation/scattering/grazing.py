"""Films at grazing incidence: light above the sample's horizon, rods, the Yoneda band and the reflected beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.coherent import (
    CRITICAL_PER_WAVELENGTH,
    Film,
    film_scatter,
    reflected_beam,
)
from fedbragg.simulation.background.shadows import Shadow
from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.scattering.camera import Camera
from fedbragg.simulation.scattering.draws import Draws
from fedbragg.simulation.scattering.scene import Scene

UP = -np.pi / 2
"""The direction of smaller rows."""


def add_horizon(scene: Scene, draws: Draws) -> None:
    """Shadow the half of the detector that lies below the sample's surface."""
    leak = float(draws.structure.choice([0.0, 0.005, 0.05, 0.2]))
    depth = draws.structure.uniform(0, 0.02) * scene.camera.cols
    soft = draws.log(0.3, 3) * scene.camera.cols / 256
    scene.shadows.append(Shadow(-UP + draws.structure.normal(0, 0.01), depth, soft, leak))


def add_film(scene: Scene, draws: Draws) -> None:
    """Add a film's own scattering (distorted-wave Born approximation) and its specular reflection."""
    camera = scene.camera
    film = _draw_film(camera, draws)
    detector = _detector(camera)
    light = film_scatter(film, detector, camera.wavelength)
    scene.film = light if scene.film is None else scene.film + light
    if draws.chance(0.6):
        scene.spots.append(_reflection(film, detector, draws))


def _draw_film(camera: Camera, draws: Draws) -> Film:
    """Draw a film whose period and height of structure suit the angles in view."""
    critical = CRITICAL_PER_WAVELENGTH * camera.wavelength * draws.structure.uniform(0.5, 1.3)
    per_pixel = camera.pixel_size / camera.distance
    largest = float(camera.q(np.array([camera.reach]))[0])
    incidence = critical * draws.structure.uniform(0.5, 3)
    return Film(
        incidence=max(incidence, 2 * per_pixel),
        critical=max(critical, 1.5 * per_pixel),
        period=2 * np.pi / largest * draws.log(2, 30),
        order=draws.structure.uniform(0, 0.95),
        roughness=draws.log(0.5, 12) / largest,
        photons=1.0,
        leak=float(draws.structure.choice([0.0, 0.01, 0.1])),
    )


def _reflection(film: Film, detector: Detector, draws: Draws) -> NDArray[np.float64]:
    spot = reflected_beam(film, detector)
    spot[:, 2] *= draws.log(1e-2, 10)
    spot[:, 3] = draws.structure.uniform(0.8, 2.5)
    return spot


def _detector(camera: Camera) -> Detector:
    return Detector(
        camera.rows, camera.cols, camera.pixel_size, camera.distance, camera.centre, "int32", 2**31 - 1
    )
