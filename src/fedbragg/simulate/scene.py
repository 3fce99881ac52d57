"""What a frame shows besides its crystals: the usual background, or one of the troubles that fool spot counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulate.background import BEHENATE, CERIA, ICE, Rings, lines, smooth, spacings, texture
from fedbragg.simulate.beamline import Beamline
from fedbragg.simulate.shadows import Flare, HalfPlane, random_flare, random_shadow

Table = NDArray[np.float64]


@dataclass(slots=True)
class Scene:
    """One frame's expected photons before any is counted."""

    radial: Table  # expected photons a pixel, by radius (background.STEPS a pixel), before the detector's geometry
    rings: list[Rings] = field(default_factory=list)
    shadows: list[HalfPlane] = field(default_factory=list)
    flares: list[Flare] = field(default_factory=list)
    tilt: tuple[float, float] = (0.0, 0.0)  # relative rise from edge to edge along columns and rows
    zingers: float = 1.0  # times the beamline's usual number
    extra_zingers: int = 0
    hot: int = 0  # further pixels that count without light
    bright_edges: float = 1.0  # factor for pixels beside a gap


def usual(beamline: Beamline, generator: np.random.Generator) -> Scene:
    """Return a frame's usual background: flux, jet and air differ from frame to frame."""
    background = beamline.background
    level = background.level * np.exp(generator.normal(0, background.spread))
    level *= np.exp(generator.normal(0, beamline.beam.flux_spread))
    air, solvent = np.exp(generator.normal(0, 0.15)), np.exp(generator.normal(0, 0.3))
    tilt_x, tilt_y = np.clip(generator.normal(0, 0.08, size=2), -0.9, 0.9).tolist()
    background = replace(
        background, floor=background.floor * float(generator.lognormal(0, background.variety))
    )
    radial = level * smooth(background, spacings(beamline), float(air), float(solvent))
    return Scene(radial, tilt=(tilt_x, tilt_y))


def trouble(kind: str, scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add one of ``TROUBLES`` to a scene."""
    TROUBLES[kind](scene, beamline, generator)


def _ice(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    kept = tuple((d, w * generator.uniform(0.2, 1.8)) for d, w in ICE)
    _ring(
        scene, beamline, generator, kept, width=generator.uniform(0.7, 3), grains=generator.choice([0, 0, 30])
    )


EXPOSED = 0.5
"""Share of powders and standards that are exposed for their own sake, to 30 to 30,000 photons a pixel on a ring."""


def _powder(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    stretch = np.exp(generator.normal(0, 0.3))  # any cubic powder, not ceria alone
    table = tuple((d * stretch, w * generator.uniform(0.3, 1.7)) for d, w in CERIA)
    for _ in range(generator.integers(1, 3)):
        grains = generator.choice([0, 0, 8, 60])
        _ring(scene, beamline, generator, table, width=generator.uniform(0.7, 3), grains=grains, exposed=True)


def _behenate(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    nearer = float(generator.uniform(1, 6))  # such a standard is taken with the detector far away
    table = tuple((d / nearer, weight) for d, weight in BEHENATE)
    _ring(scene, beamline, generator, table, width=generator.uniform(1, 4), grains=0, exposed=True)


def _salt(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    spacing = 1 / generator.uniform(0.08, 0.6, size=generator.integers(1, 7))
    table = tuple((float(d), float(generator.exponential())) for d in spacing)
    _ring(
        scene,
        beamline,
        generator,
        table,
        width=generator.uniform(0.8, 12),
        grains=generator.choice([0, 0, 20]),
    )


def _ring(
    scene: Scene,
    beamline: Beamline,
    generator: np.random.Generator,
    table: tuple[tuple[float, float], ...],
    *,
    width: float,
    grains: float,
    exposed: bool = False,
) -> None:
    height = max(float(scene.radial.max()), 0.05) * np.exp(generator.normal(0.5, 1.2))
    if exposed and generator.random() < EXPOSED:
        height = np.exp(generator.uniform(np.log(30), np.log(30_000)))
    profile = lines(spacings(beamline), table, width) * height
    contrast = generator.choice([0.0, 0.1, 0.5, 1.0])
    scene.rings.append(Rings(profile.astype(np.float32), texture(generator, float(contrast), grains)))


def _saxs(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    inverse_d = np.maximum(spacings(beamline), 1e-4)
    edge = inverse_d[min(int(np.exp(generator.uniform(3.5, 6))), len(inverse_d) - 1)]
    power = generator.uniform(1.5, 4)
    scene.radial *= generator.uniform(0.02, 0.3)
    scene.radial += np.exp(generator.uniform(1, 7)) * (1 + (inverse_d / edge) ** 2) ** (-power / 2)
    orders = tuple((1 / (edge * n * generator.uniform(1.5, 3)), 1 / n**2) for n in range(1, 4))
    _ring(scene, beamline, generator, orders, width=generator.uniform(2, 15), grains=0)


def _solvent(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    ring = np.exp(
        -0.5 * ((spacings(beamline) - 1 / generator.uniform(3.0, 4.5)) / generator.uniform(0.02, 0.06)) ** 2
    )
    scene.radial += ring * scene.radial.max() * generator.uniform(1, 8)


def _zingers(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.extra_zingers += int(np.exp(generator.uniform(np.log(20), np.log(600))))


def _shadow(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.shadows += random_shadow(beamline.detector, generator)


def _streak(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    height = float(np.median(scene.radial) + 0.1) * np.exp(generator.uniform(1, 4))
    for _ in range(generator.integers(1, 3)):
        scene.flares.append(random_flare(beamline.detector, height, generator))


def _hot(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.hot += int(np.exp(generator.uniform(np.log(20), np.log(400))))


def _edges(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.bright_edges = float(generator.uniform(1.3, 3))


def _dark(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.radial *= generator.choice([0.0, 1e-4, 1e-3])
    scene.zingers *= 0.5


def _faint(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    scene.radial *= np.exp(generator.uniform(np.log(1e-3), np.log(0.1)))


def _blank(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Nothing further."""


TROUBLES: dict[str, Callable[[Scene, Beamline, np.random.Generator], None]] = {
    "blank": _blank,
    "ice": _ice,
    "powder": _powder,
    "behenate": _behenate,
    "salt": _salt,
    "saxs": _saxs,
    "solvent": _solvent,
    "zingers": _zingers,
    "shadow": _shadow,
    "streak": _streak,
    "hot": _hot,
    "edges": _edges,
    "beam-off": _dark,
    "faint": _faint,
}
BESIDE_CRYSTALS = ("ice", "powder", "salt", "solvent", "zingers", "shadow", "streak", "hot", "edges", "faint")
