"""Particles: alone, in a dense fluid, on a lattice, self-assembled."""

from __future__ import annotations

import numpy as np

from fedbragg.simulation.scattering import profiles
from fedbragg.simulation.scattering.azimuth import symmetric
from fedbragg.simulation.scattering.draws import Draws, add_peak, draw_radius, highest_in_view
from fedbragg.simulation.scattering.lattices import LATTICES
from fedbragg.simulation.scattering.scene import Peak, Role, Scene


def spheres(scene: Scene, draws: Draws) -> None:
    """Add the form factor of spheres of nearly one size."""
    spread = draws.structure.uniform(0.02, 0.25)
    size = 4.5 / float(scene.camera.q(np.array([draw_radius(scene, draws)]))[0])
    curve = profiles.sphere(scene.q, size, spread)
    scene.fringes |= spread < 0.1
    scene.add_smooth(Role.LOW_Q, curve / highest_in_view(scene, curve))


def dilute(scene: Scene, draws: Draws) -> None:
    """Add particles in solution, far apart: Guinier's law, then a power law."""
    gyration = 1.5 / float(scene.camera.q(np.array([draw_radius(scene, draws, farthest=0.6)]))[0])
    curve = profiles.guinier_porod(scene.q, gyration, draws.structure.uniform(1.7, 4))
    scene.add_smooth(Role.LOW_Q, curve / highest_in_view(scene, curve))


def hard_spheres(scene: Scene, draws: Draws) -> None:
    """Add a dense fluid of spheres: form factor times the structure factor of hard spheres."""
    filling = draws.structure.uniform(0.1, 0.48)
    size = 3.0 / float(scene.camera.q(np.array([draw_radius(scene, draws)]))[0])
    alone = profiles.sphere(scene.q, size, draws.structure.uniform(0.05, 0.2))
    together = alone * profiles.hard_sphere_fluid(scene.q, size, filling)
    scale = highest_in_view(scene, together)
    scene.structured = np.abs(together - alone) / scale
    scene.fringes = True
    scene.add_smooth(Role.LOW_Q, together / scale)


def lattice(scene: Scene, draws: Draws) -> None:
    """Add a powder of nanoparticles on a lattice: form factor times peaks, and diffuse scattering between them."""
    _lattice(scene, draws, disorder=0.0)


def distorted_lattice(scene: Scene, draws: Draws) -> None:
    """Add a lattice whose peaks are moved and broadened."""
    _lattice(scene, draws, disorder=0.025)


def _lattice(scene: Scene, draws: Draws, disorder: float) -> None:
    names = ("bcc", "fcc", "hexagonal", "lamellar")
    name = names[int(draws.structure.choice(4, p=[0.42, 0.42, 0.08, 0.08]))]
    first = draw_radius(scene, draws, farthest=0.4)
    q_first = float(scene.camera.q(np.array([first]))[0])
    size = (
        draws.structure.uniform(0.8, 3.6) / q_first
    )  # spheres that touch in fcc have q R = 3.85 at the first peak
    shape = profiles.sphere(scene.q, size, draws.structure.uniform(0.08, 0.2))
    order = profiles.debye_waller(scene.q, draws.log(0.05, 0.3) / q_first)
    loose = shape * (1 - order)
    sigma = first * draws.log(0.008, 0.035)
    peaks = []
    for place, multiplicity in LATTICES[name]:
        moved = place * (1 + draws.structure.normal(0, disorder))
        at = int(min(moved * first * 2, len(scene.q) - 1))
        height = float(multiplicity * shape[at] * order[at] / moved**2)
        broad = sigma * draws.structure.uniform(1, 1 + 20 * disorder)
        peaks.append(Peak(moved * first, broad, height, lattice=name, orders=name == "lamellar"))
    scale = max(peak.height for peak in peaks) or 1.0
    rise = draws.log(2, 100) * highest_in_view(scene, loose)
    for peak in peaks:
        add_peak(
            scene, Peak(peak.radius, peak.sigma, peak.height / scale, lattice=name, orders=peak.orders), None
        )
    scene.add_smooth(Role.LOW_Q, loose / max(rise, 1e-12))


def mesostructure(scene: Scene, draws: Draws) -> None:
    """Add a self-assembled structure: low-angle scattering, and oriented peaks of a lamellar or hexagonal period."""
    first = draw_radius(scene, draws, farthest=0.6)
    peaks = LATTICES["lamellar" if draws.chance(0.5) else "hexagonal"]
    fold = 2 if draws.chance(0.5) else 6
    factor = symmetric(fold, draws.structure.uniform(0.0, 0.85), draws.direction)
    decay, sigma = draws.log(0.1, 0.8), first * draws.log(0.02, 0.1)
    for place, _ in peaks[:8]:
        add_peak(scene, Peak(place * first, sigma, float(np.exp(-decay * (place**2 - 1)))), factor)
    correlation = 1 / float(scene.camera.q(np.array([first]))[0])
    curve = profiles.debye_bueche(scene.q, correlation * draws.log(1.5, 6))
    scene.add_smooth(Role.LOW_Q, draws.log(0.1, 3) * curve / highest_in_view(scene, curve))
