"""Rings and halos: sharp, broad, equidistant, spotted, speckled.

Ranges of the published generator (Yager; C2 of the tagging papers): positions and widths relative to the largest
momentum transfer in view.
"""

from __future__ import annotations

import numpy as np

from fedbragg.simulation.background.coherent import Speckle
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scattering.azimuth import grainy, symmetric
from fedbragg.simulation.scattering.draws import Draws, add_peak, draw_radius, draw_symmetry
from fedbragg.simulation.scattering.scene import Peak, Scene


def single_ring(scene: Scene, draws: Draws) -> None:
    """Add one sharp ring, smooth or of some symmetry."""
    radius = draw_radius(scene, draws)
    add_peak(scene, Peak(radius, radius * draws.log(0.005, 0.06), 1.0), draw_symmetry(draws))


def symmetric_halo(scene: Scene, draws: Draws) -> None:
    """Add one broad ring."""
    radius = draw_radius(scene, draws)
    add_peak(scene, Peak(radius, radius * draws.structure.uniform(0.12, 0.4), 1.0), draw_symmetry(draws))


def orders(scene: Scene, draws: Draws) -> None:
    """Add equidistant orders of one period: sum of exp(-sigma^2 q0^2 (i^2 - 1)) Gaussian(i q0)."""
    first = draw_radius(scene, draws, farthest=0.5)
    sigma = first * draws.log(0.006, 0.05)
    decay = draws.log(0.005, 0.6)
    factor = draw_symmetry(draws)
    for i in range(1, 25):
        height = float(np.exp(-decay * (i * i - 1)))
        if height > 1e-3:
            add_peak(
                scene,
                Peak(i * first, sigma * draws.structure.uniform(0.9, 1.2) * i**0.3, height, orders=True),
                factor,
            )


def ad_hoc_rings(scene: Scene, draws: Draws) -> None:
    """Add rings at any radius, of any height."""
    for _ in range(int(draws.structure.integers(2, 13))):
        radius = draws.structure.uniform(scene.inner, scene.outer)
        height = float(draws.structure.lognormal(0, 0.9))
        add_peak(
            scene,
            Peak(radius, draws.log(0.005, 0.03) * scene.outer * 0.5, height),
            draw_symmetry(draws, 0.15),
        )


def speckled_rings(scene: Scene, draws: Draws) -> None:
    """Add rings of few orientations each: spots or short arcs."""
    sharpness = draws.structure.uniform(0.5, 0.98)
    for _ in range(int(draws.structure.integers(3, 11))):
        radius = draws.structure.uniform(scene.inner, scene.outer)
        grains = draws.structure.uniform(2, 15) * draws.log(1, 8)
        factor = grainy(grains, (1 - sharpness) / 2, 0.7, draws.frame)
        add_peak(
            scene,
            Peak(
                radius, draws.log(0.005, 0.02) * scene.outer * 0.5, float(draws.structure.lognormal(0, 0.7))
            ),
            factor,
        )


def coherent_halo(scene: Scene, draws: Draws) -> None:
    """Add a halo broken into speckle by coherent light."""
    symmetric_halo(scene, draws)
    size = scene.camera.cols / 256 * draws.structure.uniform(1.5, 8)
    scene.speckle = Speckle(size, int(draws.structure.choice([1, 1, 2, 4])), random_stream(draws.frame))


def amorphous(scene: Scene, draws: Draws) -> None:
    """Add the broad rings of a liquid, glass or polymer, at times stretched along one direction."""
    factor = symmetric(2, draws.structure.uniform(0.1, 0.6), draws.direction) if draws.chance(0.35) else None
    first = draw_radius(scene, draws)
    for i in range(int(draws.structure.integers(1, 4))):
        radius = first * (1 + i * draws.structure.uniform(0.5, 0.9))
        sigma = radius * draws.structure.uniform(0.085, 0.25)
        add_peak(
            scene,
            Peak(radius, sigma, float(draws.structure.uniform(0.2, 1)) ** i),
            factor if i == 0 else None,
        )
