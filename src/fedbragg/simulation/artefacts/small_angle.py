"""Small-angle artefacts: SAXS and GISAXS, some with speckle."""

from __future__ import annotations

import numpy as np

from fedbragg.simulation.artefacts.distance import move_detector_back
from fedbragg.simulation.artefacts.powders import ring_height
from fedbragg.simulation.background.coherent import (
    CRITICAL_PER_WAVELENGTH,
    Film,
    Speckle,
    film_scatter,
    reflected_beam,
)
from fedbragg.simulation.background.powder_rings import PowderLine, ring_profile
from fedbragg.simulation.background.radial import Rings, aligned_texture, inverse_spacings
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scene import StillScene


def add_saxs(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add strong central scattering: isotropic or along one axis, with the orders of a period, some with speckle."""
    far = move_detector_back(scene, beamline, (4, 20), generator)
    inverse_d = np.maximum(inverse_spacings(far), 1e-5)
    edge = inverse_d[min(int(np.exp(generator.uniform(3.5, 6))), len(inverse_d) - 1)]
    scene.radial *= generator.uniform(0.02, 0.3)
    height, power = np.exp(generator.uniform(1, 7)), generator.uniform(1.5, 4)
    central = height * (1 + (inverse_d / edge) ** 2) ** (-power / 2)
    orders = [PowderLine(float(1 / (edge * n * generator.uniform(1.5, 3))), 1 / n**2) for n in range(1, 4)]
    sharp = ring_profile(inverse_d, orders, generator.uniform(2, 15)) * ring_height(scene, generator)
    sharpness = float(generator.choice([0, 0, 3, 20, 150]))  # 150: fibres, which scatter a streak
    texture = aligned_texture(float(generator.uniform(0, np.pi)), sharpness)
    scene.rings.append(Rings((central + sharp).astype(np.float32), texture))
    if generator.random() < 0.4:
        scene.speckle = _random_speckle(generator)


def add_gisaxs(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add a film at grazing incidence 2 to 6 m before the detector: horizon, Yoneda band, rods, reflected beam."""
    near = beamline.detector.distance
    far = move_detector_back(scene, beamline, (2 / near, 6 / near), generator)
    scene.radial *= generator.uniform(0.01, 0.2)
    critical = CRITICAL_PER_WAVELENGTH * beamline.beam.wavelength * generator.uniform(0.5, 1.3)
    film = Film(
        incidence=critical * generator.uniform(0.5, 3),
        critical=critical,
        period=np.exp(generator.uniform(np.log(80), np.log(1500))),
        order=generator.uniform(0, 0.9),
        roughness=np.exp(generator.uniform(np.log(3), np.log(60))),
        photons=np.exp(generator.uniform(2, 9)),
        leak=float(generator.choice([0.0, 0.01, 0.1])),
        upright=bool(generator.random() < 0.8),
    )
    scene.film = film_scatter(film, far.detector, beamline.beam.wavelength)
    scene.grain_spots.append(reflected_beam(film, far.detector))
    if generator.random() < 0.2:
        scene.speckle = _random_speckle(generator)


def _random_speckle(generator: np.random.Generator) -> Speckle:
    size = float(np.exp(generator.uniform(np.log(1.5), np.log(8))))
    return Speckle(size, int(generator.choice([1, 1, 2, 4, 12])), random_stream(generator))
