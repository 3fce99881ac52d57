"""All artefacts by name, and those that change a single property of a scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fedbragg.simulation.artefacts.powders import (
    add_behenate,
    add_grains,
    add_ice,
    add_minerals,
    add_powder,
    add_salt,
)
from fedbragg.simulation.artefacts.small_angle import add_gisaxs, add_saxs
from fedbragg.simulation.background.radial import inverse_spacings
from fedbragg.simulation.background.shadows import random_shadow, random_streak
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.detector.image_plate import draw_image_plate
from fedbragg.simulation.scene import StillScene


def add_artefact(kind: str, scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add an artefact to a scene, by its name in ``ARTEFACTS``."""
    ARTEFACTS[kind](scene, beamline, generator)


def _blank(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Change nothing."""


def _fluorescence(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add the fluorescence of a metal in the sample, the same in all directions."""
    scene.fluorescence = float(scene.radial.max() * np.exp(generator.uniform(0, 4)) + 0.02)
    scene.radial *= generator.uniform(0.05, 1)


def _solvent(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add a strong solvent ring."""
    distance = inverse_spacings(beamline) - 1 / generator.uniform(3.0, 4.5)
    ring = np.exp(-0.5 * (distance / generator.uniform(0.02, 0.06)) ** 2)
    scene.radial += ring * scene.radial.max() * generator.uniform(1, 8)


def _zingers(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.extra_zingers += int(np.exp(generator.uniform(np.log(20), np.log(600))))


def _cosmic_rays(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add the cosmic rays of a long exposure, half the time over a strong solvent ring or a powder."""
    (_blank, _blank, _solvent, add_powder)[generator.integers(4)](scene, beamline, generator)
    scene.cosmic_rays += int(np.exp(generator.uniform(np.log(5), np.log(800))))
    scene.cosmic_strength = float(np.exp(generator.uniform(np.log(10), np.log(300))))


def _image_plate(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Record on an image plate, which takes long exposures: 3 to 3,000 photons a pixel, some with a powder."""
    (_blank, _solvent, add_powder, add_minerals)[generator.integers(4)](scene, beamline, generator)
    wanted = np.exp(generator.uniform(np.log(3), np.log(3000)))
    scene.radial *= wanted / max(float(np.median(scene.radial)), 1e-6)
    scene.image_plate = draw_image_plate(generator)


def _shadow(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.shadows.append(random_shadow(beamline.detector, generator))


def _streak(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    height = float(np.median(scene.radial) + 0.1) * np.exp(generator.uniform(1, 4))
    for _ in range(generator.integers(1, 3)):
        scene.streaks.append(random_streak(beamline.detector, height, generator))


def _hot_pixels(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.extra_hot_pixels += int(np.exp(generator.uniform(np.log(20), np.log(400))))


def _bright_edges(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.edge_factor = float(generator.uniform(1.3, 3))


def _beam_off(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.radial *= generator.choice([0.0, 1e-4, 1e-3])
    scene.zinger_factor *= 0.5


def _faint(scene: StillScene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.radial *= np.exp(generator.uniform(np.log(1e-3), np.log(0.1)))


ARTEFACTS: dict[str, Callable[[StillScene, Beamline, np.random.Generator], None]] = {
    "blank": _blank,
    "ice": add_ice,
    "powder": add_powder,
    "grains": add_grains,
    "minerals": add_minerals,
    "behenate": add_behenate,
    "salt": add_salt,
    "saxs": add_saxs,
    "gisaxs": add_gisaxs,
    "fluorescence": _fluorescence,
    "solvent": _solvent,
    "zingers": _zingers,
    "cosmic-rays": _cosmic_rays,
    "image-plate": _image_plate,
    "shadow": _shadow,
    "streak": _streak,
    "hot": _hot_pixels,
    "edges": _bright_edges,
    "beam-off": _beam_off,
    "faint": _faint,
}
"""The functions that add artefacts, by the names that ``Still.kind`` and ``Mix.misses`` use."""
BESIDE_CRYSTALS = (
    "ice", "powder", "grains", "minerals", "salt", "solvent", "fluorescence", "zingers", "cosmic-rays", "image-plate",
    "shadow", "streak", "hot", "edges", "faint",
)  # fmt: skip
"""Artefacts that may appear on a frame with crystals."""
