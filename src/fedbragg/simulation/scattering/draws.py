"""Random draws that the kinds of sample share: radii in view, symmetries, and peaks with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.simulation.scattering.azimuth import Factor, symmetric
from fedbragg.simulation.scattering.scene import Peak, Scene, Table, textured


@dataclass(frozen=True, slots=True)
class Draws:
    """Two generators: one that all frames of an experiment share, and one for each frame."""

    structure: np.random.Generator  # starts again at every frame of an experiment
    frame: np.random.Generator
    direction: float  # radian, of the sample's axis in this frame

    def log(self, low: float, high: float) -> float:
        """Draw a number of the structure, uniform in its logarithm."""
        return float(np.exp(self.structure.uniform(np.log(low), np.log(high))))

    def chance(self, probability: float) -> bool:
        """Draw whether the structure has something."""
        return bool(self.structure.random() < probability)


def draw_radius(scene: Scene, draws: Draws, farthest: float = 0.95) -> float:
    """Draw a radius in view in pixels, more often small than large."""
    inner = max(scene.inner * 1.3, 0.04 * scene.outer)
    outer = max(farthest * scene.outer, 1.2 * inner)
    return float(inner + (outer - inner) * draws.structure.beta(1.2, 1.8))


def draw_symmetry(draws: Draws, probability: float = 0.5) -> Factor | None:
    """Draw a ring's azimuthal factor: with some probability 2 to 20 lobes, else none."""
    if not draws.chance(probability):
        return None
    fold = int(np.clip(2 * round(draws.structure.lognormal(0, 0.75)), 2, 20))
    return symmetric(fold, draws.structure.uniform(0.05, 0.9), draws.direction)


def add_peak(scene: Scene, peak: Peak, factor: Factor | None) -> None:
    """Add a peak to the scene, with the variation of its azimuthal factor noted."""
    scene.add_peak(peak if factor is None else textured(peak, factor), factor)


def highest_in_view(scene: Scene, table: Table) -> float:
    """Return a table's largest value in view."""
    return max(float(scene.in_view(table).max(initial=0.0)), 1e-30)
