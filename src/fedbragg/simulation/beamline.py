"""A beamline: its detector, beam, sample and background, and its shares of hits and misses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from fedbragg.errors import ConfigError
from fedbragg.types import Geometry


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: sensors, position, response and defects."""

    rows: int  # pixel
    cols: int  # pixel
    pixel_size: float  # metre
    distance: float  # metre, sample to detector
    beam_centre: tuple[float, float]  # pixel, (column, row)
    dtype: str  # of the counts: "uint16", "int32" ...
    saturation: int  # counts, the largest that the detector writes
    layout: str = "grid"  # "grid" of modules, or "pinwheel" of quadrants around a hole
    module: tuple[int, int] = (0, 0)  # pixel, (rows, cols) of one sensor; (0, 0) is a single sensor
    gap: tuple[int, int] = (0, 0)  # pixel, (rows, cols) between sensors
    window: tuple[int, int] = (0, 0)  # pixel, (row, col) of this detector's corner in the layout
    gap_value: int = 0  # counts written where there is no sensor
    integrating: bool = False  # True: charge is spread, amplified, offset; False: photons are counted
    point_spread: float = 0.4  # pixel, standard deviation
    gain: float = 1.0  # counts a photon
    offset: float = 0.0  # counts without photons
    read_noise: float = 0.0  # counts, standard deviation
    absorption: float = 2.0  # thickness of the sensor in attenuation lengths at this wavelength
    flat: float = 0.01  # relative standard deviation of the pixels' sensitivity
    taper_radius: float = 0.0  # pixel, of the fibre-optic taper; nothing is recorded beyond it; 0: no taper
    hot: float = 2e-6  # share of pixels that count without photons
    dead: float = 1e-5  # share of pixels that never count
    dead_masked: bool = True  # whether the mask contains the dead pixels


@dataclass(frozen=True, slots=True)
class Beam:
    """The X-ray beam and its beamstop."""

    wavelength: float  # angstrom
    bandwidth: float = 1e-4  # relative standard deviation of the wavelength
    divergence: float = 1e-4  # radian, standard deviation
    polarisation: float = 0.99  # share of the intensity whose electric field is horizontal
    flux_spread: float = 0.1  # standard deviation of the logarithm, frame to frame
    stop_radius: float = 20.0  # pixel, of the beamstop's shadow
    stop_masked: bool = False  # whether the mask contains the beamstop
    stop_arm: float | None = None  # radian from the column axis, direction of the holder; None: no holder


@dataclass(frozen=True, slots=True)
class Sample:
    """The crystals: structure and quality."""

    cell: tuple[float, float, float, float, float, float]  # angstrom and degree
    space_group: str  # Hermann-Mauguin
    b_factor: float = 20.0  # angstrom^2
    resolution: float = 1.8  # angstrom, beyond which there is no diffraction
    mosaicity: float = 2e-3  # radian, median of the crystals
    domain: float = 2000.0  # angstrom, size of a coherent block
    size: float = 0.7  # pixel, standard deviation of a spot's round part, median of the crystals
    outline: float = (
        0.6  # pixel, standard deviation of the positions of a crystal's pieces, along its longer axis
    )
    spread: float = 0.3  # standard deviation of the logarithm of mosaicity and size
    extra_lattices: float = 0.1  # mean number of additional crystals in the beam
    structure: str | None = None  # path of a coordinate file; None: Wilson intensities


@dataclass(frozen=True, slots=True)
class Background:
    """The scattering on frames without a crystal."""

    level: float  # photons a pixel at the height of the solvent ring, median over frames
    spread: float = 0.3  # standard deviation of its logarithm
    air: float = 0.5  # air scatter near the beam, in units of ``level``
    solvent: float = 1.0  # ring of liquid water at 3.2 angstrom, in units of ``level``
    loop: float = 0.0  # broad low-angle ring of plastic or grease, in units of ``level``
    floor: float = 0.05  # uniform, in units of ``level``
    floor_spread: float = 0.0  # standard deviation of the floor's logarithm
    zingers: float = 1.0  # mean number of zingers (clusters of struck pixels) a frame
    zinger_shape: float = 2.0  # gamma shape of that number over frames; a large shape gives Poisson
    zinger_size: float = 2.0  # pixel, mean size of a zinger
    zinger_photons: float = 30.0  # photons, median of a zinger's pixel


@dataclass(frozen=True, slots=True)
class Mix:
    """The shares of hits, maybes and misses, their spots and artefacts."""

    rates: tuple[tuple[float, float], ...]  # shares of hits and of maybes in consecutive equal parts of a run
    spots: tuple[float, float] = (60.0, 0.9)  # visible on a hit: median, standard deviation of the logarithm
    artefact_share: float = 0.05  # share of the frames with a crystal that show an artefact as well
    too_weak: float = 0.05  # share of the misses with a crystal too weak to see
    misses: tuple[tuple[str, float], ...] = (("blank", 1.0),)  # artefacts of the other misses, with weights


@dataclass(frozen=True, slots=True)
class Beamline:
    """One beamline of a facility."""

    name: str
    title: str  # description in one line
    detector: Detector
    beam: Beam
    sample: Sample
    background: Background
    mix: Mix

    @property
    def geometry(self) -> Geometry:
        """Return the geometry that this beamline's files record."""
        pixel = (self.detector.pixel_size, self.detector.pixel_size)
        return Geometry(
            f"simulated {self.name}",
            self.beam.wavelength,
            self.detector.distance,
            self.detector.beam_centre,
            pixel,
        )


def reduced(beamline: Beamline, rows: int, cols: int) -> Beamline:
    """Return the beamline with a smaller detector around the beam, for quick runs.

    Pixels, gaps and noise stay the same. The distance shrinks with the fourth root of the ratio of areas, which is
    half-way between keeping the distances of spots and keeping the number of reflections. Raises ConfigError unless
    the size is at least 64 pixels along each axis and at most the detector's own.
    """
    full = beamline.detector
    if not (64 <= rows <= full.rows and 64 <= cols <= full.cols):
        raise ConfigError(
            f"{beamline.name}: cannot reduce the detector to {rows} x {cols} pixels; "
            f"give 64 to {full.rows} rows and 64 to {full.cols} columns."
        )
    column, row = full.beam_centre
    left = min(max(round(column - cols / 2), 0), full.cols - cols)
    top = min(max(round(row - rows / 2), 0), full.rows - rows)
    detector = replace(
        full,
        rows=rows,
        cols=cols,
        distance=full.distance * sqrt(sqrt(rows * cols / (full.rows * full.cols))),
        beam_centre=(column - left, row - top),
        window=(full.window[0] + top, full.window[1] + left),
    )
    return replace(beamline, detector=detector)
