"""Crystalline samples: powders, the calibrant of small angles, fibres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedbragg.simulation.background.powder_rings import BEHENATE, BORIDE, CERIA, SILICON
from fedbragg.simulation.scattering import profiles
from fedbragg.simulation.scattering.azimuth import elliptic, finer_steps, grainy, symmetric
from fedbragg.simulation.scattering.draws import Draws, add_peak, draw_radius, draw_symmetry, highest_in_view
from fedbragg.simulation.scattering.lattices import LATTICES
from fedbragg.simulation.scattering.layer_lines import LayerLines
from fedbragg.simulation.scattering.ring_samples import orders
from fedbragg.simulation.scattering.scene import Peak, Role, Scene

SHARP = (0.5, 1.5)
"""Pixels, standard deviation of a line across and of a grain's spot along it, where beam and pixels alone decide it."""


def powder(scene: Scene, draws: Draws) -> None:
    """Add a crystalline powder: a calibrant or an unknown one, its grains fine or coarse, at random or textured."""
    lines = _powder_lines(scene, draws)
    sharp = draws.chance(0.5)  # beam and pixels decide the width of lines, not the sample
    broadest = max(3 * scene.camera.cols / 512 + 0.3, SHARP[1])
    sigma = draws.log(SHARP[0], SHARP[1] if sharp else broadest)
    coarse, finer, narrowest = draws.chance(0.5), finer_steps(scene.outer), SHARP[0] / scene.outer
    grains = draws.log(20, 16 / narrowest)
    width = draws.log(narrowest, SHARP[1] / scene.outer if sharp else 0.02)
    for radius, height, multiplicity in lines:
        peak = Peak(radius, sigma, height)
        if coarse:
            blurred = max(width, SHARP[0] / radius)
            add_peak(scene, peak, grainy(grains * multiplicity / 12, blurred, 1.0, draws.frame, finer))
        else:
            add_peak(scene, peak, draw_symmetry(draws, 0.3))


def _powder_lines(scene: Scene, draws: Draws) -> list[tuple[float, float, int]]:
    """Return radius in pixels, height and multiplicity of each line in view."""
    known: Sequence[Sequence[tuple[float, float, int]]] = (CERIA, BORIDE, SILICON)
    if draws.chance(0.3) and scene.q[-1] > 2.5:
        lines = [
            (scene.camera.radius(2 * np.pi / d), weight, m)
            for d, weight, m in known[int(draws.structure.integers(3))]
        ]
    else:
        first = draw_radius(scene, draws, farthest=0.7)
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


def silver_behenate(scene: Scene, draws: Draws) -> None:
    """Add the calibrant of small angles: equidistant rings, d001 = 58.38 angstrom."""
    if not scene.inner < scene.camera.radius(2 * np.pi / BEHENATE[0].d) < 0.9 * scene.outer:
        return orders(scene, draws)  # another standard, whose period suits the angles in view
    sigma = draws.log(0.5, 3) * scene.camera.cols / 512 + 0.3
    for line in BEHENATE:
        radius = scene.camera.radius(2 * np.pi / line.d)
        add_peak(
            scene,
            Peak(radius, sigma, line.weight / 100 * draws.structure.uniform(0.6, 1.2), orders=True),
            None,
        )


def fibre(scene: Scene, draws: Draws) -> None:
    """Add a fibre's pattern: a streak along the equator, layer lines across the axis, diffuse ellipses."""
    curve = profiles.power_law(scene.q, -draws.structure.uniform(1.5, 4), scene.q[1] * scene.inner)
    ratio = draws.log(0.08, 0.5)
    scene.add_smooth(Role.LOW_Q, curve / highest_in_view(scene, curve), elliptic(ratio, draws.direction))
    first = draw_radius(scene, draws, farthest=0.7)
    if draws.chance(0.6):
        scene.layer_lines.append(_layer_lines(scene, draws, first))
    height = draws.log(0.005, 0.3)
    for i in range(1, int(draws.structure.integers(2, 8))):
        sharpness = draws.structure.uniform(0.6, 0.95)
        along = draws.direction + (np.pi / 2 if draws.chance(0.6) else 0.0)
        add_peak(
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
