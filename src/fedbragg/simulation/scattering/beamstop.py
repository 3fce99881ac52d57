"""Beamstops, which keep the direct beam off the detector, and their shadows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.scattering.camera import Camera, offsets

Kind = Literal["circular", "linear", "wedge"]


@dataclass(frozen=True, slots=True)
class Beamstop:
    """An absorber in front of the detector, relative to the direct beam."""

    kind: Kind
    direction: float  # radian from the column axis: where the holder comes from
    size: float  # pixel: radius of a disc, half the width of a rod
    overhang: float  # pixel: how far a rod or wedge reaches past the beam
    arm: float  # pixel: half the width of a disc's holder; 0: no holder in sight
    half_angle: float  # radian: of a wedge
    blur: float  # pixel: width of the shadow's edge
    transmission: float  # share of the light that passes
    head: tuple[float, float] = (0.0, 0.0)  # pixel: half the width and half the length of a rod's wider end
    shift: tuple[float, float] = (0.0, 0.0)  # pixel: of the stop's centre from the beam (column, row)
    masked: bool = False  # whether the file's mask contains the shadow


def draw_beamstop(scale: float, generator: np.random.Generator) -> Beamstop:
    """Draw a stop of any kind with equal odds; ``scale`` is pixels over those of a 256 x 256 detector.

    Sizes are the published generator's: rods of half 2 to 7.5 / 4 pixels and more, discs of radius 2 to 12.5 / 4 and
    more, wedges of half-angle 10 to 20 degrees; real ones are also larger.
    """
    upright = float(generator.choice([0, np.pi / 2, np.pi, -np.pi / 2])) + generator.normal(0, 0.04)
    direction = upright if generator.random() < 0.6 else generator.uniform(-np.pi, np.pi)
    kind: Kind = ("circular", "linear", "wedge")[int(generator.integers(3))]
    large = np.exp(generator.uniform(np.log(1.5), np.log(14)))
    rod = kind != "circular"
    size = scale * (min(large, 8) * 0.6 if rod else large)
    return Beamstop(
        kind,
        direction,
        size,
        overhang=scale * generator.uniform(0.5, 1.0) * (3 + size / scale),
        arm=0.0 if generator.random() < 0.3 else size * generator.uniform(0.1, 0.45),
        half_angle=np.deg2rad(generator.uniform(8, 22)),
        blur=scale * generator.uniform(0.3, 2.5),
        transmission=float(generator.choice([0.0, 1e-3, 0.02, 0.1])),
        head=_draw_head(size, generator) if kind == "linear" else (0.0, 0.0),
        shift=tuple(generator.normal(0, 0.15 * size, 2).tolist()),
        masked=bool(generator.random() < 0.2),
    )


def _draw_head(size: float, generator: np.random.Generator) -> tuple[float, float]:
    """Draw the block that some rods carry in the beam."""
    if generator.random() < 0.6:
        return 0.0, 0.0
    return size * generator.uniform(1.3, 3), size * generator.uniform(1.3, 4)


def shadow(stop: Beamstop, camera: Camera) -> NDArray[np.float32]:
    """Return (rows, cols): the share of the light that passes the stop."""
    x, y = offsets(camera)
    x, y = x - np.float32(stop.shift[0]), y - np.float32(stop.shift[1])
    along = x * np.float32(np.cos(stop.direction)) + y * np.float32(np.sin(stop.direction))
    across = np.abs(y * np.float32(np.cos(stop.direction)) - x * np.float32(np.sin(stop.direction)))
    outside = _distance_outside(stop, along, across, np.hypot(x, y))
    clear = np.clip(outside / max(stop.blur, 0.1) + 0.5, 0, 1)
    return np.asarray(stop.transmission + (1 - stop.transmission) * clear, dtype=np.float32)


def _distance_outside(
    stop: Beamstop, along: NDArray[np.float32], across: NDArray[np.float32], away: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (rows, cols) how far outside the stop's edge a pixel lies, negative inside."""
    if stop.kind == "linear":
        rod = np.maximum(across - stop.size, -stop.overhang - along)
        block = np.maximum(across - stop.head[0], abs(along) - stop.head[1])
        return np.asarray(np.minimum(rod, block) if stop.head[0] else rod, dtype=np.float32)
    if stop.kind == "wedge":
        from_tip = along + stop.overhang
        edge = across * np.cos(stop.half_angle) - from_tip * np.sin(stop.half_angle)
        return np.asarray(np.maximum(edge, -from_tip), dtype=np.float32)
    disc = away - stop.size
    if stop.arm == 0:
        return disc
    return np.asarray(np.minimum(disc, np.maximum(across - stop.arm, -along)), dtype=np.float32)
