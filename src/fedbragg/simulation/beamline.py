"""What a facility is: its detector, its beam, its sample, and how often a crystal is in the beam."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from fedbragg.errors import ConfigError
from fedbragg.types import Geometry


@dataclass(frozen=True, slots=True)
class Detector:
    """What records the photons, where it stands, and how it errs."""

    rows: int  # pixel
    cols: int  # pixel
    pixel_size: float  # metre
    distance: float  # metre, sample to detector
    beam_centre: tuple[float, float]  # pixel, (column, row)
    dtype: str  # as the detector writes: "uint16", "int32" ...
    saturation: int  # counts, the largest that is written
    layout: str = "grid"  # "grid" of modules, or "pinwheel" of quadrants round a hole
    module: tuple[int, int] = (0, 0)  # pixel, (rows, cols) of one sensor; 0 is one sensor in all
    gap: tuple[int, int] = (0, 0)  # pixel, (rows, cols) between sensors
    window: tuple[int, int] = (0, 0)  # pixel, (row, col) of this detector's corner in the layout
    gap_value: int = 0  # counts written where no sensor is
    integrating: bool = False  # True: charge is spread, amplified, offset; False: photons are counted
    point_spread: float = 0.4  # pixel, standard deviation
    gain: float = 1.0  # counts a photon
    offset: float = 0.0  # counts in the dark
    read_noise: float = 0.0  # counts, standard deviation
    absorption: float = 2.0  # sensor thickness in attenuation lengths at this wavelength
    flat: float = 0.01  # standard deviation of the pixels' sensitivity, relative
    corner: float = 0.0  # pixel, radius beyond which a round taper passes no light; 0 is no limit
    hot: float = 2e-6  # share of pixels that count without light
    dead: float = 1e-5  # share of pixels that never count
    known_bad: bool = True  # whether the mask knows the dead ones


@dataclass(frozen=True, slots=True)
class Beam:
    """What falls on the sample."""

    wavelength: float  # angstrom
    bandwidth: float = 1e-4  # standard deviation of the wavelength, relative
    divergence: float = 1e-4  # radian, standard deviation
    polarisation: float = 0.99  # share of the intensity whose electric field is horizontal
    flux_spread: float = 0.1  # standard deviation of the logarithm, frame to frame
    stop_radius: float = 20.0  # pixel, shadow of the beamstop
    stop_masked: bool = False  # whether the mask knows the beamstop
    stop_arm: float | None = None  # radian from the column axis, direction of the holder; None has none


@dataclass(frozen=True, slots=True)
class Sample:
    """What crystals are made of, and how good they are."""

    cell: tuple[float, float, float, float, float, float]  # angstrom and degree
    space_group: str  # Hermann-Mauguin
    b_factor: float = 20.0  # angstrom^2
    resolution: float = 1.8  # angstrom, beyond which nothing diffracts
    mosaicity: float = 2e-3  # radian, median of the crystals
    domain: float = 2000.0  # angstrom, size of a coherent block
    size: float = 0.7  # pixel, standard deviation of the image of a crystal's piece, median
    outline: float = 0.6  # pixel, standard deviation of where the pieces lie, along the longer axis
    spread: float = 0.3  # standard deviation of the logarithm of mosaicity and size
    extra_lattices: float = 0.1  # mean number of further crystals in the beam
    structure: str | None = None  # coordinate file; None draws Wilson intensities


@dataclass(frozen=True, slots=True)
class Background:
    """What is seen where no crystal is."""

    level: float  # photons a pixel at the height of the solvent ring, median over frames
    spread: float = 0.3  # standard deviation of its logarithm
    air: float = 0.5  # air scatter near the beam, in units of ``level``
    solvent: float = 1.0  # ring of liquid water at 3.2 angstrom, in units of ``level``
    loop: float = 0.0  # broad low-angle ring of plastic or grease, in units of ``level``
    floor: float = 0.05  # the same everywhere, in units of ``level``
    variety: float = 0.0  # standard deviation of the floor's logarithm, frame to frame
    zingers: float = 1.0  # mean number of struck or noisy clusters a frame
    zinger_shape: float = 2.0  # gamma shape of that number over frames; large is Poisson
    zinger_size: float = 2.0  # pixel, mean size of a cluster
    zinger_photons: float = 30.0  # median strength of a cluster's pixel


@dataclass(frozen=True, slots=True)
class Mix:
    """How often which frame comes."""

    rates: tuple[tuple[float, float], ...]  # share of hits and of maybes in equal parts of the run, in order
    spots: tuple[float, float] = (60.0, 0.9)  # spots seen on a hit: median, standard deviation of logarithm
    troubled: float = 0.05  # share of frames with a crystal that show a trouble as well
    unseen: float = 0.05  # share of the misses with a crystal too weak to see
    misses: tuple[tuple[str, float], ...] = (
        ("blank", 1.0),
    )  # what is seen without a crystal, with its weight


@dataclass(frozen=True, slots=True)
class Beamline:
    """A facility: two of them differ as two facilities do."""

    name: str
    title: str  # one line for people
    detector: Detector
    beam: Beam
    sample: Sample
    background: Background
    mix: Mix

    @property
    def geometry(self) -> Geometry:
        """Return what a file of this facility says of the detector."""
        pixel = (self.detector.pixel_size, self.detector.pixel_size)
        return Geometry(
            f"simulated {self.name}",
            self.beam.wavelength,
            self.detector.distance,
            self.detector.beam_centre,
            pixel,
        )


def reduced(beamline: Beamline, rows: int, cols: int) -> Beamline:
    """Return the facility with a smaller detector round the beam, for quick runs.

    Pixels, gaps and noise stay. The detector moves closer by the root of the shrinkage, half-way between keeping
    the spots' distances and keeping the number of reflections on it.
    """
    full = beamline.detector
    if not (64 <= rows <= full.rows and 64 <= cols <= full.cols):
        raise ConfigError(
            f"{beamline.name}: {rows} x {cols} is no smaller detector; "
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
