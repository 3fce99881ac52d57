"""The kinds of sample that scattering images show: each adds its terms and peaks to a scene.

The ten kinds of the published generator (Yager; C2 of the tagging papers) come first, with its ranges: positions and
widths relative to the largest momentum transfer in view. The others are what real instruments show besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fedbragg.simulation.background.coherent import Speckle
from fedbragg.simulation.background.powder_rings import BEHENATE, BORIDE, CERIA, SILICON
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scattering import profiles
from fedbragg.simulation.scattering.azimuth import Factor, elliptic, grainy, symmetric
from fedbragg.simulation.scattering.lattices import LATTICES
from fedbragg.simulation.scattering.layer_lines import LayerLines
from fedbragg.simulation.scattering.scene import Peak, Role, Scene, Table, textured


@dataclass(frozen=True, slots=True)
class Draws:
    """Two sources of chance: what all frames of an experiment share, and what is one frame's own."""

    structure: np.random.Generator  # starts anew at every frame of an experiment
    frame: np.random.Generator
    direction: float  # radian, of the sample's axis in this frame

    def log(self, low: float, high: float) -> float:
        """Draw a number of the structure, uniform in its logarithm."""
        return float(np.exp(self.structure.uniform(np.log(low), np.log(high))))

    def chance(self, probability: float) -> bool:
        """Draw whether the structure has something."""
        return bool(self.structure.random() < probability)


def single_ring(scene: Scene, draws: Draws) -> None:
    """Add one sharp ring, smooth or of some symmetry."""
    radius = _radius(scene, draws)
    _add(scene, Peak(radius, radius * draws.log(0.005, 0.06), 1.0), _symmetry(draws))


def symmetric_halo(scene: Scene, draws: Draws) -> None:
    """Add one broad ring."""
    radius = _radius(scene, draws)
    _add(scene, Peak(radius, radius * draws.structure.uniform(0.12, 0.4), 1.0), _symmetry(draws))


def orders(scene: Scene, draws: Draws) -> None:
    """Add equidistant orders of one period: sum of exp(-sigma^2 q0^2 (i^2 - 1)) Gaussian(i q0)."""
    first = _radius(scene, draws, farthest=0.5)
    sigma = first * draws.log(0.006, 0.05)
    decay = draws.log(0.005, 0.6)
    factor = _symmetry(draws)
    for i in range(1, 25):
        height = float(np.exp(-decay * (i * i - 1)))
        if height > 1e-3:
            _add(
                scene,
                Peak(i * first, sigma * draws.structure.uniform(0.9, 1.2) * i**0.3, height, orders=True),
                factor,
            )


def spheres(scene: Scene, draws: Draws) -> None:
    """Add the form factor of spheres of nearly one size."""
    spread = draws.structure.uniform(0.02, 0.25)
    size = 4.5 / float(scene.camera.q(np.array([_radius(scene, draws)]))[0])
    curve = profiles.sphere(scene.q, size, spread)
    scene.fringes |= spread < 0.1
    scene.add_smooth(Role.LOW_Q, curve / _highest(scene, curve))


def lattice(scene: Scene, draws: Draws) -> None:
    """Add a powder of nanoparticles on a lattice: form factor times peaks, and diffuse scattering between them."""
    _lattice(scene, draws, disorder=0.0)


def distorted_lattice(scene: Scene, draws: Draws) -> None:
    """Add a lattice whose peaks are moved and broadened."""
    _lattice(scene, draws, disorder=0.025)


def ad_hoc_rings(scene: Scene, draws: Draws) -> None:
    """Add rings at any radius, of any height."""
    for _ in range(int(draws.structure.integers(2, 13))):
        radius = draws.structure.uniform(scene.inner, scene.outer)
        height = float(draws.structure.lognormal(0, 0.9))
        _add(scene, Peak(radius, draws.log(0.005, 0.03) * scene.outer * 0.5, height), _symmetry(draws, 0.15))


def speckled_rings(scene: Scene, draws: Draws) -> None:
    """Add rings of few orientations each: spots or short arcs."""
    sharpness = draws.structure.uniform(0.5, 0.98)
    for _ in range(int(draws.structure.integers(3, 11))):
        radius = draws.structure.uniform(scene.inner, scene.outer)
        grains = draws.structure.uniform(2, 15) * draws.log(1, 8)
        factor = grainy(grains, (1 - sharpness) / 2, 0.7, draws.frame)
        _add(
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


def mesostructure(scene: Scene, draws: Draws) -> None:
    """Add a self-assembled structure: low-angle scattering, and oriented peaks of a lamellar or hexagonal period."""
    first = _radius(scene, draws, farthest=0.6)
    peaks = LATTICES["lamellar" if draws.chance(0.5) else "hexagonal"]
    fold = 2 if draws.chance(0.5) else 6
    factor = symmetric(fold, draws.structure.uniform(0.0, 0.85), draws.direction)
    decay, sigma = draws.log(0.1, 0.8), first * draws.log(0.02, 0.1)
    for place, _ in peaks[:8]:
        _add(scene, Peak(place * first, sigma, float(np.exp(-decay * (place**2 - 1)))), factor)
    correlation = 1 / float(scene.camera.q(np.array([first]))[0])
    curve = profiles.debye_bueche(scene.q, correlation * draws.log(1.5, 6))
    scene.add_smooth(Role.LOW_Q, draws.log(0.1, 3) * curve / _highest(scene, curve))


def fibre(scene: Scene, draws: Draws) -> None:
    """Add a fibre's pattern: a streak along the equator, layer lines across the axis, diffuse ellipses."""
    curve = profiles.power_law(scene.q, -draws.structure.uniform(1.5, 4), scene.q[1] * scene.inner)
    ratio = draws.log(0.08, 0.5)
    scene.add_smooth(Role.LOW_Q, curve / _highest(scene, curve), elliptic(ratio, draws.direction))
    first = _radius(scene, draws, farthest=0.7)
    if draws.chance(0.6):
        scene.layer_lines.append(_layer_lines(scene, draws, first))
    height = draws.log(0.005, 0.3)
    for i in range(1, int(draws.structure.integers(2, 8))):
        sharpness = draws.structure.uniform(0.6, 0.95)
        along = draws.direction + (np.pi / 2 if draws.chance(0.6) else 0.0)
        _add(
            scene, Peak(i * first, first * draws.log(0.01, 0.08), height / i), symmetric(2, sharpness, along)
        )


def _layer_lines(scene: Scene, draws: Draws, first: float) -> LayerLines:
    """Draw a fibre's layer lines: the equator brightest, the others falling off."""
    spacing = first * draws.structure.uniform(0.15, 0.7)
    orders = int(min(scene.outer / spacing, 24)) + 1
    heights = draws.log(0.003, 0.3) * draws.structure.exponential(1, orders) / (1 + np.arange(orders)) ** 0.7
    heights[0] = draws.log(0.05, 3) if draws.chance(0.7) else 0.0
    width = max(spacing * draws.log(0.02, 0.12), 0.4)
    return LayerLines(
        draws.direction + np.pi / 2, spacing, width, first * draws.log(0.2, 2), tuple(heights.tolist())
    )


def powder(scene: Scene, draws: Draws) -> None:
    """Add a crystalline powder: a calibrant or an unknown one, its grains fine or coarse, at random or textured."""
    lines = _powder_lines(scene, draws)
    sigma = draws.log(0.6, 3) * scene.camera.cols / 512 + 0.3
    coarse = draws.chance(0.5)
    grains, width = draws.log(20, 4000), draws.log(0.004, 0.02)
    for radius, height, multiplicity in lines:
        peak = Peak(radius, sigma, height)
        if coarse:
            _add(scene, peak, grainy(grains * multiplicity / 12, width, 1.0, draws.frame))
        else:
            _add(scene, peak, _symmetry(draws, 0.3))


def silver_behenate(scene: Scene, draws: Draws) -> None:
    """Add the calibrant of small angles: equidistant rings, d001 = 58.38 angstrom."""
    if not scene.inner < scene.camera.radius(2 * np.pi / BEHENATE[0].d) < 0.9 * scene.outer:
        return orders(scene, draws)  # another standard, whose period suits the angles in view
    sigma = draws.log(0.5, 3) * scene.camera.cols / 512 + 0.3
    for line in BEHENATE:
        radius = scene.camera.radius(2 * np.pi / line.d)
        _add(
            scene,
            Peak(radius, sigma, line.weight / 100 * draws.structure.uniform(0.6, 1.2), orders=True),
            None,
        )


def amorphous(scene: Scene, draws: Draws) -> None:
    """Add the broad rings of a liquid, glass or polymer, at times stretched along one direction."""
    factor = symmetric(2, draws.structure.uniform(0.1, 0.6), draws.direction) if draws.chance(0.35) else None
    first = _radius(scene, draws)
    for i in range(int(draws.structure.integers(1, 4))):
        radius = first * (1 + i * draws.structure.uniform(0.5, 0.9))
        sigma = radius * draws.structure.uniform(0.085, 0.25)
        _add(
            scene,
            Peak(radius, sigma, float(draws.structure.uniform(0.2, 1)) ** i),
            factor if i == 0 else None,
        )


def hard_spheres(scene: Scene, draws: Draws) -> None:
    """Add a dense fluid of spheres: form factor times the structure factor of hard spheres."""
    filling = draws.structure.uniform(0.1, 0.48)
    size = 3.0 / float(scene.camera.q(np.array([_radius(scene, draws)]))[0])
    alone = profiles.sphere(scene.q, size, draws.structure.uniform(0.05, 0.2))
    together = alone * profiles.hard_sphere_fluid(scene.q, size, filling)
    scale = _highest(scene, together)
    scene.structured = np.abs(together - alone) / scale
    scene.fringes = True
    scene.add_smooth(Role.LOW_Q, together / scale)


def dilute(scene: Scene, draws: Draws) -> None:
    """Add particles in solution, far apart: Guinier's law, then a power law."""
    gyration = 1.5 / float(scene.camera.q(np.array([_radius(scene, draws, farthest=0.6)]))[0])
    curve = profiles.guinier_porod(scene.q, gyration, draws.structure.uniform(1.7, 4))
    scene.add_smooth(Role.LOW_Q, curve / _highest(scene, curve))


def nothing(scene: Scene, draws: Draws) -> None:
    """Add nothing: an empty beam, or a closed shutter."""


KINDS: dict[str, Callable[[Scene, Draws], None]] = {
    "single ring": single_ring,
    "symmetric halo": symmetric_halo,
    "orders": orders,
    "spheres": spheres,
    "lattice": lattice,
    "distorted lattice": distorted_lattice,
    "ad-hoc rings": ad_hoc_rings,
    "speckled rings": speckled_rings,
    "coherent halo": coherent_halo,
    "mesostructure": mesostructure,
    "fibre": fibre,
    "powder": powder,
    "silver behenate": silver_behenate,
    "amorphous": amorphous,
    "hard spheres": hard_spheres,
    "dilute": dilute,
    "nothing": nothing,
}


def add_diffuse(scene: Scene, draws: Draws, low: float, high: float) -> None:
    """Add diffuse scattering, each with its probability: at small angles, and rising towards large ones."""
    if draws.chance(low):
        amount = draws.log(0.02, 20)
        stretch = None
        if draws.chance(0.25):
            stretch = elliptic(float(min(2 * draws.structure.lognormal(0, 0.5), 4)), draws.direction)
        for curve in _diffuse_curves(scene, draws):
            scene.add_smooth(Role.LOW_Q, amount * curve / _highest(scene, curve), stretch)
    if draws.chance(high):
        sigma = draws.log(0.4, 3) / float(scene.q[-1])
        curve = 1 - profiles.debye_waller(scene.q, sigma)
        scene.add_smooth(Role.HIGH_Q, draws.log(0.05, 3) * curve / _highest(scene, curve))


def _diffuse_curves(scene: Scene, draws: Draws) -> list[Table]:
    """Draw at least one of the four diffuse laws."""
    size = 1 / float(scene.camera.q(np.array([_radius(scene, draws, farthest=0.6)]))[0])
    choices: Sequence[Callable[[], Table]] = [
        lambda: profiles.power_law(scene.q, draws.structure.uniform(-4.5, -1.8), float(scene.q[2])),
        lambda: profiles.ornstein_zernike(scene.q, size * draws.log(1, 30)),
        lambda: profiles.debye_bueche(scene.q, size * draws.log(1, 30)),
        lambda: profiles.guinier_porod(scene.q, size * draws.log(1, 3), 4.0),
    ]
    taken = [choice for choice in choices if draws.chance(0.4)]
    return [curve() for curve in taken or [choices[int(draws.structure.integers(4))]]]


def _lattice(scene: Scene, draws: Draws, disorder: float) -> None:
    names = ("bcc", "fcc", "hexagonal", "lamellar")
    name = names[int(draws.structure.choice(4, p=[0.42, 0.42, 0.08, 0.08]))]
    first = _radius(scene, draws, farthest=0.4)
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
    rise = draws.log(2, 100) * _highest(scene, loose)
    for peak in peaks:
        _add(
            scene, Peak(peak.radius, peak.sigma, peak.height / scale, lattice=name, orders=peak.orders), None
        )
    scene.add_smooth(Role.LOW_Q, loose / max(rise, 1e-12))


def _powder_lines(scene: Scene, draws: Draws) -> list[tuple[float, float, int]]:
    """Return radius in pixels, height and multiplicity of each line in view."""
    known: Sequence[Sequence[tuple[float, float, int]]] = (CERIA, BORIDE, SILICON)
    if draws.chance(0.3) and scene.q[-1] > 2.5:
        lines = [
            (scene.camera.radius(2 * np.pi / d), weight, m)
            for d, weight, m in known[int(draws.structure.integers(3))]
        ]
    else:
        first = _radius(scene, draws, farthest=0.7)
        places = _cell(draws)
        lines = [(first * p, m * float(draws.structure.lognormal(0, 0.9)), m) for p, m in places]
    inside = [(r, h / r, m) for r, h, m in lines if r < scene.outer]
    highest = max((h for _, h, _ in inside), default=1.0)
    return [(r, h / highest, m) for r, h, m in inside]


def _cell(draws: Draws) -> tuple[tuple[float, int], ...]:
    """Draw line positions, relative to the first, and multiplicities of a cubic, hexagonal or less symmetric cell."""
    if draws.chance(0.5):
        return LATTICES[("bcc", "fcc", "hexagonal")[int(draws.structure.integers(3))]]
    ratios = draws.structure.uniform(0.5, 1.8, 2)
    h, k, m = np.meshgrid(*[np.arange(5)] * 3, indexing="ij")
    lengths = np.sqrt(h**2 + (ratios[0] * k) ** 2 + (ratios[1] * m) ** 2).ravel()
    order = np.argsort(lengths)[1 : int(draws.structure.integers(8, 30))]
    return tuple((float(lengths[i] / lengths[order[0]]), 8) for i in order)


def _radius(scene: Scene, draws: Draws, farthest: float = 0.95) -> float:
    """Draw a radius in view in pixels, more often small than large."""
    inner = max(scene.inner * 1.3, 0.04 * scene.outer)
    outer = max(farthest * scene.outer, 1.2 * inner)
    return float(inner + (outer - inner) * draws.structure.beta(1.2, 1.8))


def _symmetry(draws: Draws, probability: float = 0.5) -> Factor | None:
    """Draw a ring's azimuthal factor: with some probability 2 to 20 lobes, else none."""
    if not draws.chance(probability):
        return None
    fold = int(np.clip(2 * round(draws.structure.lognormal(0, 0.75)), 2, 20))
    return symmetric(fold, draws.structure.uniform(0.05, 0.9), draws.direction)


def _add(scene: Scene, peak: Peak, factor: Factor | None) -> None:
    scene.add_peak(peak if factor is None else textured(peak, factor), factor)


def _highest(scene: Scene, table: Table) -> float:
    """Return a table's largest value in view."""
    return max(float(scene.in_view(table).max(initial=0.0)), 1e-30)
