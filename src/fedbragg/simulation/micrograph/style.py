"""The look of a laboratory's micrographs: etching, contrast, marks of preparation, optics and camera.

Grey levels run from 0 (black) to 1 (white) before the gamma of the camera. A style belongs to a laboratory; every
picture of it draws its own scratches, noise and levels of single grains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedbragg.simulation.micrograph.draws import log_uniform


@dataclass(frozen=True, slots=True)
class Etching:
    """The effect of etching on grains and boundaries."""

    matrix: float  # grey level of the matrix
    shading: float  # standard deviation of the grains' grey levels, by their orientation
    tint: float  # standard deviation of the grains' colours; 0 for a grey picture
    contrast: float  # of a boundary, grey levels; below 0 it is dark
    width: float  # pixel, standard deviation of a boundary's profile
    unetched: float  # share of the boundaries' length that shows nothing
    reach: float  # pixel, over which the strength of etching varies
    streaks: float = (
        0.0  # standard deviation of parallel marks within grains (twins, slip lines), grey levels
    )


@dataclass(frozen=True, slots=True)
class Particle:
    """The look of particles against the matrix."""

    contrast: float  # grey levels, against the matrix
    rim: float  # grey levels of the bright or dark edge around a particle
    rim_width: float  # pixel
    relief: float  # grey levels of the light and the shadow on opposite sides
    light: float  # radian, where the light comes from


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks that preparation leaves on the surface."""

    scratches: float  # mean number in 512 x 512 pixels
    scratch_contrast: float  # standard deviation, grey levels
    polishing: float  # standard deviation of fine parallel marks, grey levels
    polishing_direction: float  # radian
    pits: float  # mean number in 512 x 512 pixels
    pit_contrast: float  # grey levels
    pit_size: float  # pixel, standard deviation


@dataclass(frozen=True, slots=True)
class Camera:
    """The effects of optics and camera."""

    vignetting: float  # share of the light lost in the corners
    slope: float  # grey levels from edge to edge
    defocus: float  # pixel, standard deviation of the blur
    texture: float  # standard deviation of noise that varies slowly, grey levels
    texture_length: float  # pixel
    noise: float  # standard deviation of a pixel's own noise, grey levels
    gamma: float


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a laboratory's micrographs."""

    etching: Etching
    particle: Particle
    marks: Marks
    camera: Camera


def draw_style(generator: np.random.Generator) -> Style:
    """Draw the style of a laboratory, from faint and clean to harsh and scratched."""
    return Style(
        _draw_etching(generator), _draw_particle(generator), _draw_marks(generator), _draw_camera(generator)
    )


def _sign(generator: np.random.Generator, negative: float) -> float:
    return -1.0 if generator.random() < negative else 1.0


def _draw_etching(generator: np.random.Generator) -> Etching:
    """Draw how grains show: mostly lines, else colours alone (tint etching) or grey alone (orientation contrast)."""
    coloured, lined = generator.random() < 0.35, generator.random() < 0.7
    weakest = 0.02 if lined else 0.06
    return Etching(
        matrix=generator.uniform(0.3, 0.75),
        shading=log_uniform(generator, 0.005 if lined or coloured else 0.06, 0.15),
        tint=log_uniform(generator, weakest, 0.2) if coloured else 0.0,
        contrast=_sign(generator, 0.75) * log_uniform(generator, 0.03, 0.45) if lined else 0.0,
        width=log_uniform(generator, 0.6, 2.5),
        unetched=generator.choice([0.0, generator.uniform(0, 0.35)]),
        reach=log_uniform(generator, 5, 60),
        streaks=generator.choice([0.0, log_uniform(generator, 0.01, 0.08)]),
    )


def _draw_particle(generator: np.random.Generator) -> Particle:
    return Particle(
        contrast=_sign(generator, 0.5) * log_uniform(generator, 0.03, 0.4),
        rim=_sign(generator, 0.3) * generator.choice([0.0, log_uniform(generator, 0.01, 0.2)]),
        rim_width=log_uniform(generator, 0.7, 3.0),
        relief=generator.choice([0.0, log_uniform(generator, 0.01, 0.12)]),
        light=generator.uniform(0, 2 * np.pi),
    )


def _draw_marks(generator: np.random.Generator) -> Marks:
    return Marks(
        scratches=generator.choice([0.0, log_uniform(generator, 1, 12)]),
        scratch_contrast=log_uniform(generator, 0.01, 0.15),
        polishing=generator.choice([0.0, log_uniform(generator, 0.003, 0.04)]),
        polishing_direction=generator.uniform(0, np.pi),
        pits=generator.choice([0.0, log_uniform(generator, 3, 100)]),
        pit_contrast=_sign(generator, 0.8) * log_uniform(generator, 0.03, 0.4),
        pit_size=log_uniform(generator, 0.7, 3.0),
    )


def _draw_camera(generator: np.random.Generator) -> Camera:
    return Camera(
        vignetting=generator.uniform(0, 0.3),
        slope=generator.normal(0, 0.05),
        defocus=generator.choice([0.0, log_uniform(generator, 0.4, 1.8)]),
        texture=log_uniform(generator, 0.002, 0.03),
        texture_length=log_uniform(generator, 1, 20),
        noise=log_uniform(generator, 0.004, 0.06),
        gamma=log_uniform(generator, 0.7, 1.4),
    )
