"""What a frame shows besides its crystals: the usual background, or one of the troubles that fool spot counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.artefacts.shadows import Flare, HalfPlane, random_flare, random_shadow
from fedbragg.simulation.background.coherent import CRITICAL, Film, Speckle, film_scatter, mirrored, oriented
from fedbragg.simulation.background.powder_rings import (
    BEHENATE,
    BORIDE,
    CERIA,
    ICE,
    SILICON,
    Grains,
    Line,
    Powder,
    grain_spots,
    lines,
)  # fmt: skip
from fedbragg.simulation.background.rings import Rings, smooth, spacings, texture
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.random_streams import stream

Table = NDArray[np.float64]


@dataclass(slots=True)
class Scene:
    """One frame's expected photons before any is counted."""

    radial: Table  # expected photons a pixel, by radius (background.STEPS a pixel), before the detector's geometry
    rings: list[Rings] = field(default_factory=list)
    grains: list[Table] = field(default_factory=list)  # powder's spots, as exposure.lay_spots takes them
    film: NDArray[np.float32] | None = None  # (rows, cols) expected photons of a film at grazing incidence
    speckle: Speckle | None = None
    isotropic: float = 0.0  # expected photons a pixel of fluorescence
    farther: float = 1.0  # times the beamline's distance at which the detector stands
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
    kept = [line._replace(weight=line.weight * generator.uniform(0.2, 1.8)) for line in ICE]
    if generator.random() < 0.25:  # a few crystals of frost
        scene.grains.append(
            grain_spots(beamline, kept, _coarse(generator), _height(scene, generator), generator)
        )
        return
    look = _Look(generator.uniform(0.7, 3), generator.choice([0, 0, 30]), _height(scene, generator))
    _ring(scene, beamline, kept, look, generator)


EXPOSED = 0.5
"""Share of powders and standards that are exposed for their own sake, to 30 to 30,000 photons a pixel on a ring."""


def _powder(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    for _ in range(generator.integers(1, 3)):
        grains = generator.choice([0, 0, 8, 60])
        look = _Look(generator.uniform(0.7, 3), grains, _exposed(scene, generator))
        _ring(scene, beamline, _calibrant(generator), look, generator)


def _grains(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add a calibrant so coarse that its rings are strings of spots, or a handful of them."""
    height = float(np.exp(generator.uniform(0, np.log(10_000))))
    spots = grain_spots(beamline, _calibrant(generator), _coarse(generator), height, generator)
    scene.grains.append(spots)


def _calibrant(generator: np.random.Generator) -> Powder:
    """Return a cubic standard or, as often, some other cubic powder."""
    known = (CERIA, BORIDE, SILICON)[generator.integers(3)]
    if generator.random() < 0.5:
        return known
    stretch = float(np.exp(generator.normal(0, 0.3)))
    return [
        Line(line.d * stretch, line.weight * generator.uniform(0.3, 1.7), line.multiplicity) for line in known
    ]


def _coarse(generator: np.random.Generator) -> Grains:
    """Draw from two or three spots on a whole pattern to a thousand on a ring."""
    ready = np.exp(generator.uniform(np.log(0.03), np.log(100)))
    size, mosaicity = generator.uniform(0.5, 1.8), np.exp(generator.uniform(np.log(3e-4), np.log(1e-2)))
    strain = np.exp(generator.uniform(np.log(1e-4), np.log(2e-3)))
    return Grains(float(ready), float(generator.uniform(0.3, 1.5)), size, float(mosaicity), float(strain))


def _behenate(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    away = _moved_back(
        scene, beamline, (1, 12), generator
    )  # such a standard is taken with the detector far away
    look = _Look(generator.uniform(0.6, 4), 0, _exposed(scene, generator))
    _ring(scene, away, BEHENATE, look, generator)


def _salt(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    spacing = 1 / generator.uniform(0.08, 0.6, size=generator.integers(1, 7))
    table = [Line(float(d), float(generator.exponential())) for d in spacing]
    look = _Look(generator.uniform(0.8, 12), generator.choice([0, 0, 20]), _height(scene, generator))
    _ring(scene, beamline, table, look, generator)


@dataclass(frozen=True, slots=True)
class _Look:
    width: float  # pixel, standard deviation of a ring
    grains: float  # arcs of large crystallites in the turn
    height: float  # photons a pixel on the strongest ring


def _height(scene: Scene, generator: np.random.Generator) -> float:
    return float(max(float(scene.radial.max()), 0.05) * np.exp(generator.normal(0.5, 1.2)))


def _exposed(scene: Scene, generator: np.random.Generator) -> float:
    height = _height(scene, generator)
    if generator.random() < EXPOSED:
        return float(np.exp(generator.uniform(np.log(30), np.log(30_000))))
    return height


def _ring(
    scene: Scene, beamline: Beamline, powder: Powder, look: _Look, generator: np.random.Generator
) -> None:
    profile = lines(spacings(beamline), powder, look.width) * look.height
    contrast = generator.choice([0.0, 0.1, 0.5, 1.0])
    scene.rings.append(Rings(profile.astype(np.float32), texture(generator, float(contrast), look.grains)))


def _moved_back(
    scene: Scene, beamline: Beamline, times: tuple[float, float], generator: np.random.Generator
) -> Beamline:
    """Move the detector to some ``times`` its distance, and the background seen so far with it."""
    scene.farther = float(np.exp(generator.uniform(*np.log(times))))
    places = np.arange(len(scene.radial), dtype=float)
    scene.radial = np.interp(places / scene.farther, places, scene.radial)
    detector = replace(beamline.detector, distance=beamline.detector.distance * scene.farther)
    return replace(beamline, detector=detector)


def _saxs(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Add strong central scattering: round or along one axis, with orders of a period, at times in speckles."""
    away = _moved_back(scene, beamline, (4, 20), generator)
    inverse_d = np.maximum(spacings(away), 1e-5)
    edge = inverse_d[min(int(np.exp(generator.uniform(3.5, 6))), len(inverse_d) - 1)]
    scene.radial *= generator.uniform(0.02, 0.3)
    height, power = np.exp(generator.uniform(1, 7)), generator.uniform(1.5, 4)
    central = height * (1 + (inverse_d / edge) ** 2) ** (-power / 2)
    orders = [Line(float(1 / (edge * n * generator.uniform(1.5, 3))), 1 / n**2) for n in range(1, 4)]
    sharp = lines(inverse_d, orders, generator.uniform(2, 15)) * _height(scene, generator)
    aligned = float(generator.choice([0, 0, 3, 20, 150]))  # 150: fibres, whose scattering is a streak
    along = oriented(float(generator.uniform(0, np.pi)), aligned)
    scene.rings.append(Rings((central + sharp).astype(np.float32), along))
    if generator.random() < 0.4:
        scene.speckle = _speckles(generator)


def _speckles(generator: np.random.Generator) -> Speckle:
    return Speckle(float(np.exp(generator.uniform(np.log(1.5), np.log(8)))), int(generator.choice([1, 1, 2, 4, 12])),
                   stream(generator))  # fmt: skip


def _gisaxs(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Put a film at grazing incidence, 2 to 6 m before the detector: horizon, Yoneda band, rods, a mirrored beam."""
    near = beamline.detector.distance
    away = _moved_back(scene, beamline, (2 / near, 6 / near), generator)
    scene.radial *= generator.uniform(0.01, 0.2)
    critical = CRITICAL * beamline.beam.wavelength * generator.uniform(0.5, 1.3)
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
    scene.film = film_scatter(film, away.detector, beamline.beam.wavelength)
    scene.grains.append(mirrored(film, away.detector))
    if generator.random() < 0.2:
        scene.speckle = _speckles(generator)


def _fluorescence(scene: Scene, beamline: Beamline, generator: np.random.Generator) -> None:
    """Let the sample's metal shine: the same everywhere."""
    scene.isotropic = float(scene.radial.max() * np.exp(generator.uniform(0, 4)) + 0.02)
    scene.radial *= generator.uniform(0.05, 1)


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
    "grains": _grains,
    "behenate": _behenate,
    "salt": _salt,
    "saxs": _saxs,
    "gisaxs": _gisaxs,
    "fluorescence": _fluorescence,
    "solvent": _solvent,
    "zingers": _zingers,
    "shadow": _shadow,
    "streak": _streak,
    "hot": _hot,
    "edges": _edges,
    "beam-off": _dark,
    "faint": _faint,
}
BESIDE_CRYSTALS = (
    "ice", "powder", "grains", "salt", "solvent", "fluorescence", "zingers", "shadow", "streak", "hot", "edges",
    "faint",
)  # fmt: skip
