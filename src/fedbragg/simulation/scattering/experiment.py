"""An experiment: one detector, one geometry, one beamstop, one family of samples; many images are taken in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from fedbragg.simulation.scattering.beamstop import Beamstop, draw_beamstop
from fedbragg.simulation.scattering.camera import Camera
from fedbragg.simulation.scattering.layouts import LAYOUTS, Layout, any_layout, resized

REGIMES = ("small angle", "wide angle", "grazing")


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument: its regimes, detectors, range of counts and kinds of sample."""

    name: str
    regimes: Mapping[str, float]  # shares of "small angle", "wide angle", "grazing"
    layouts: tuple[Layout, ...] = LAYOUTS
    any_layout: float = 0.35  # share of experiments on a detector that nobody sells
    peak_counts: tuple[float, float] = (
        2.0,
        60_000.0,
    )  # 99.9th percentile of an image's counts, ends of its range
    kinds: Mapping[str, float] | None = None  # weights of the kinds of sample; None: those of the regime


ANY_INSTRUMENT = Instrument(
    "any", MappingProxyType({"small angle": 0.55, "wide angle": 0.28, "grazing": 0.17})
)

SMALL_ANGLE: Mapping[str, float] = MappingProxyType(
    {
        "single ring": 0.06, "symmetric halo": 0.05, "orders": 0.08, "spheres": 0.09, "lattice": 0.36,
        "distorted lattice": 0.03, "ad-hoc rings": 0.07, "speckled rings": 0.06, "coherent halo": 0.05,
        "mesostructure": 0.06, "fibre": 0.06, "silver behenate": 0.05, "hard spheres": 0.06, "dilute": 0.09,
        "nothing": 0.05,
    }
)  # fmt: skip
WIDE_ANGLE: Mapping[str, float] = MappingProxyType(
    {"powder": 0.4, "amorphous": 0.25, "speckled rings": 0.08, "ad-hoc rings": 0.07, "fibre": 0.06,
     "single ring": 0.04, "coherent halo": 0.02, "nothing": 0.08}
)  # fmt: skip
GRAZING: Mapping[str, float] = MappingProxyType(
    {"film": 0.4, "powder": 0.15, "amorphous": 0.15, "mesostructure": 0.15, "orders": 0.1, "nothing": 0.05}
)


@dataclass(frozen=True, slots=True)
class ScatteringSample:
    """One contribution to the light: its kind, and the seed of all that is the same in every frame."""

    kind: str
    seed: int
    weight: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """All that the images of one experiment share."""

    camera: Camera
    layout: Layout  # as sold; the camera's rows and columns are its outline at the camera's pixel size
    regime: str
    samples: tuple[ScatteringSample, ...]
    stop: Beamstop | None
    peak_counts: float  # 99.9th percentile of a typical image
    seed: int  # of the details that all images share: diffuse scattering, windows, defects
    gaps_masked: bool = True  # whether the file marks the gaps
    spread: float = field(default=0.7)  # standard deviation of the logarithm of an image's strength
    specular_stop: Beamstop | None = None  # a second stop, in the beam that a film reflects
    turns: int = 0  # quarter turns by which the file shows the detector


def draw_experiment(instrument: Instrument, longest: int | None, seed: np.random.SeedSequence) -> Experiment:
    """Draw an experiment of an instrument, its detector resized to ``longest`` pixels along the longer side.

    None keeps the detector's own pixels.
    """
    generator = np.random.default_rng(seed)
    regime = _choose(instrument.regimes, generator)
    known = generator.random() >= instrument.any_layout
    layout = (
        instrument.layouts[int(generator.integers(len(instrument.layouts)))]
        if known
        else any_layout(generator)
    )
    outline = layout if longest is None else resized(layout, longest)
    camera = _draw_camera(outline, regime, generator)
    scale = max(outline.rows, outline.cols) / 256
    stop = (
        draw_beamstop(scale, generator)
        if generator.random() < (0.85 if camera.beam_inside else 0.05)
        else None
    )
    low, high = np.log(instrument.peak_counts)
    grazing = regime == "grazing"
    return Experiment(
        camera,
        layout,
        regime,
        _draw_samples(instrument, regime, generator),
        stop,
        peak_counts=float(np.exp(generator.uniform(low, high))),
        seed=int(generator.integers(2**62)),
        gaps_masked=bool(generator.random() < 0.75),
        specular_stop=_specular_stop(camera, scale, generator)
        if grazing and generator.random() < 0.3
        else None,
        turns=int(generator.choice([0, 1, 2, 3], p=[0.7, 0.1, 0.1, 0.1])) if grazing else 0,
    )


def _specular_stop(camera: Camera, scale: float, generator: np.random.Generator) -> Beamstop:
    """Draw a small disc some way above the beam, where a film's reflection arrives."""
    disc = replace(
        draw_beamstop(scale, generator), kind="circular", size=scale * generator.uniform(1.5, 5), arm=0.0
    )
    return replace(disc, shift=(0.0, -camera.rows * generator.uniform(0.03, 0.25)), masked=False)


def with_beam_at(experiment: Experiment, centre: tuple[float, float]) -> Experiment:
    """Return the experiment with the direct beam at another place, in pixels (column, row)."""
    return replace(experiment, camera=replace(experiment.camera, centre=centre))


def _draw_camera(outline: Layout, regime: str, generator: np.random.Generator) -> Camera:
    centre = _draw_centre(outline, regime, generator)
    wavelength = float(np.exp(generator.uniform(np.log(0.2 if regime == "wide angle" else 0.6), np.log(1.6))))
    farthest = Camera(outline.rows, outline.cols, 1.0, 1.0, 1.0, centre).reach
    largest = (
        generator.uniform(2.0, 7.0)
        if regime == "wide angle"
        else np.exp(generator.uniform(np.log(0.04), np.log(1.0)))
    )
    if regime == "grazing" and generator.random() < 0.4:
        largest = generator.uniform(1.5, 3.0)
    sine = min(largest * wavelength / (4 * np.pi), 0.45)  # two theta below 54 degrees
    tangent = np.tan(2 * np.arcsin(sine))
    distance = farthest * outline.pixel_size / tangent
    return Camera(outline.rows, outline.cols, outline.pixel_size, float(distance), wavelength, centre)


def _draw_centre(outline: Layout, regime: str, generator: np.random.Generator) -> tuple[float, float]:
    """Draw the direct beam (column, row): mostly within -5 to 105 % of each axis, some further off at wide angles."""
    size = np.array([outline.cols, outline.rows], float)
    if regime == "grazing":  # the beam is low, the film scatters upwards
        return float(size[0] * generator.uniform(0.15, 0.85)), float(size[1] * generator.uniform(0.6, 1.0))
    if generator.random() < (0.45 if regime == "wide angle" else 0.15):
        away = np.exp(generator.uniform(np.log(0.55), np.log(2.8))) * size.max()
        angle = generator.uniform(-np.pi, np.pi)
        return tuple((size / 2 + away * np.array([np.cos(angle), np.sin(angle)])).tolist())
    if generator.random() < 0.5:  # most instruments put it near the middle
        return tuple((size * generator.normal(0.5, 0.06, 2)).tolist())
    return tuple((size * generator.uniform(-0.05, 1.05, 2)).tolist())


def _draw_samples(
    instrument: Instrument, regime: str, generator: np.random.Generator
) -> tuple[ScatteringSample, ...]:
    weights = (
        instrument.kinds or {"small angle": SMALL_ANGLE, "wide angle": WIDE_ANGLE, "grazing": GRAZING}[regime]
    )
    number = 1 + int(generator.poisson(0.3))
    return tuple(
        ScatteringSample(
            _choose(weights, generator),
            int(generator.integers(2**62)),
            1.0 if i == 0 else float(np.exp(generator.normal(-1, 1))),
        )
        for i in range(number)
    )


def _choose(weights: Mapping[str, float], generator: np.random.Generator) -> str:
    names = list(weights)
    shares = np.array([weights[name] for name in names])
    return names[int(generator.choice(len(names), p=shares / shares.sum()))]
