"""All light of one image before a detector counts it: smooth terms, peaks, and features across the rings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.coherent import Speckle
from fedbragg.simulation.background.radial import AZIMUTH_STEPS, STEPS_PER_PIXEL
from fedbragg.simulation.background.shadows import Shadow, Streak
from fedbragg.simulation.scattering.azimuth import Factor, variation
from fedbragg.simulation.scattering.camera import Camera
from fedbragg.simulation.scattering.layer_lines import LayerLines

Table = NDArray[np.float64]


class Role(Enum):
    """The visual name of a smooth term in the image."""

    LOW_Q = auto()  # falls off away from the beam
    HIGH_Q = auto()  # rises away from the beam
    BACKGROUND = auto()  # knows nothing of the sample
    PARASITIC = auto()  # glow of slits and beamstop, next to the beam


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Light that is a function of the radius times one of the azimuth."""

    radial: NDArray[np.float32]  # (radii,), STEPS_PER_PIXEL a pixel: photons a pixel, relative
    azimuthal: Factor | None = None  # None: the same all around
    stretch: Factor | None = None  # factor on the radius by azimuth; None: circles


@dataclass(frozen=True, slots=True)
class Peak:
    """A ring or a halo, as its azimuthal mean."""

    radius: float  # pixel
    sigma: float  # pixel, standard deviation along the radius
    height: float  # photons a pixel, relative
    texture: float = 0.0  # coefficient of variation of the smooth part along the azimuth
    grains: float = 0.0  # coefficient of variation of the fine part
    lattice: str = ""  # "bcc", "fcc" ... where the peak comes of such a lattice
    orders: bool = False  # whether it is one of equidistant orders

    @property
    def breadth(self) -> float:
        """Return the full width at half maximum over the radius."""
        return 2.355 * self.sigma / max(self.radius, 1e-6)


@dataclass(slots=True)
class Scene:
    """The light of one image, built up by samples, background and instrument."""

    camera: Camera
    inner: float  # pixel, the smallest radius in view
    outer: float  # pixel, the largest radius in view
    q: Table = field(init=False)  # (radii,) 1/angstrom
    isotropic: Table = field(init=False)  # (radii,) photons a pixel, relative
    terms: list[Term] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)
    smooth: dict[Role, Table] = field(default_factory=dict)  # azimuthal means
    textures: list[tuple[Table, float]] = field(
        default_factory=list
    )  # smooth terms, and how they vary by azimuth
    spots: list[NDArray[np.float64]] = field(
        default_factory=list
    )  # each (n, 6), as add_expected_spots takes them
    film: NDArray[np.float32] | None = None  # (rows, cols) photons, relative
    speckle: Speckle | None = None
    fringes: bool = False  # whether a form factor shows maxima, which are neither rings nor halos to everyone
    structured: Table | None = None  # (radii,) the part of the light that order among particles adds
    shadows: list[Shadow] = field(default_factory=list)
    streaks: list[Streak] = field(default_factory=list)
    layer_lines: list[LayerLines] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay out the table of radii, to the farthest corner."""
        radii = (
            np.arange(int(self.camera.reach * STEPS_PER_PIXEL) + 2 * STEPS_PER_PIXEL + 2) / STEPS_PER_PIXEL
        )
        self.q = self.camera.q(radii)
        self.isotropic = np.zeros(len(radii))

    def in_view(self, table: Table) -> Table:
        """Return the part of a table between the smallest and the largest radius in view."""
        return table[int(self.inner * STEPS_PER_PIXEL) : int(self.outer * STEPS_PER_PIXEL) + 1]

    def add_smooth(self, role: Role, table: Table, stretch: Factor | None = None) -> None:
        """Add a smooth term; with a stretch its contours are ellipses."""
        mean = table
        if stretch is None:
            self.isotropic += table
        else:
            self.terms.append(Term(table.astype(np.float32), stretch=stretch))
            mean = _mean_over_azimuth(table, stretch)
            self.textures.append((mean, _relative_change(table, stretch)))
        self.smooth[role] = self.smooth.get(role, 0) + mean

    def add_peak(self, peak: Peak, factor: Factor | None = None) -> None:
        """Add a ring or halo that follows an azimuthal factor; its variation replaces the peak's own."""
        if not 0 < peak.radius < len(self.q) / STEPS_PER_PIXEL + 4 * peak.sigma:
            return
        table = self._gaussian(peak)
        if factor is None:
            self.isotropic += table
        else:
            self.terms.append(Term(table.astype(np.float32), factor))
        self.peaks.append(peak)

    def _gaussian(self, peak: Peak) -> Table:
        centre, sigma = peak.radius * STEPS_PER_PIXEL, max(peak.sigma, 0.45) * STEPS_PER_PIXEL
        first, last = max(int(centre - 5 * sigma), 0), min(int(centre + 5 * sigma) + 2, len(self.q))
        table = np.zeros(len(self.q))
        table[first:last] = peak.height * np.exp(-0.5 * ((np.arange(first, last) - centre) / sigma) ** 2)
        return table


def textured(peak: Peak, factor: Factor) -> Peak:
    """Return the peak with the variation of an azimuthal factor noted."""
    texture, grains = variation(factor)
    return Peak(peak.radius, peak.sigma, peak.height, texture, grains, peak.lattice, peak.orders)


def _mean_over_azimuth(table: Table, stretch: Factor) -> Table:
    positions = np.arange(len(table))
    some = stretch[:: AZIMUTH_STEPS // 48]
    return np.asarray(np.mean([np.interp(positions * s, positions, table) for s in some], axis=0))


def _relative_change(table: Table, stretch: Factor) -> float:
    """Return the coefficient of variation along the azimuth, at the radius where half of the light lies inside."""
    positions = np.arange(len(table))
    inside = np.cumsum(table * positions)
    middle = float(np.searchsorted(inside, inside[-1] / 2))
    values = np.interp(middle * stretch, positions, table)
    return float(values.std() / max(values.mean(), 1e-12))
