"""Diffuse scattering: four laws at small angles, and scattering that rises towards large ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fedbragg.simulation.scattering import profiles
from fedbragg.simulation.scattering.azimuth import elliptic
from fedbragg.simulation.scattering.draws import Draws, draw_radius, highest_in_view
from fedbragg.simulation.scattering.scene import Role, Scene, Table


def add_diffuse(scene: Scene, draws: Draws, low: float, high: float) -> None:
    """Add diffuse scattering, each with its probability: at small angles, and rising towards large ones."""
    if draws.chance(low):
        amount = draws.log(0.02, 20)
        stretch = None
        if draws.chance(0.25):
            stretch = elliptic(float(min(2 * draws.structure.lognormal(0, 0.5), 4)), draws.direction)
        for curve in _diffuse_curves(scene, draws):
            scene.add_smooth(Role.LOW_Q, amount * curve / highest_in_view(scene, curve), stretch)
    if draws.chance(high):
        sigma = draws.log(0.4, 3) / float(scene.q[-1])
        curve = 1 - profiles.debye_waller(scene.q, sigma)
        scene.add_smooth(Role.HIGH_Q, draws.log(0.05, 3) * curve / highest_in_view(scene, curve))


def _diffuse_curves(scene: Scene, draws: Draws) -> list[Table]:
    """Draw at least one of the four diffuse laws."""
    size = 1 / float(scene.camera.q(np.array([draw_radius(scene, draws, farthest=0.6)]))[0])
    choices: Sequence[Callable[[], Table]] = [
        lambda: profiles.power_law(scene.q, draws.structure.uniform(-4.5, -1.8), float(scene.q[2])),
        lambda: profiles.ornstein_zernike(scene.q, size * draws.log(1, 30)),
        lambda: profiles.debye_bueche(scene.q, size * draws.log(1, 30)),
        lambda: profiles.guinier_porod(scene.q, size * draws.log(1, 3), 4.0),
    ]
    taken = [choice for choice in choices if draws.chance(0.4)]
    return [curve() for curve in taken or [choices[int(draws.structure.integers(4))]]]
