"""The named beamlines: five after the data sets of CXIDB entry 76, and four at synchrotrons.

Frame sizes, cells, the expert's labels and the numbers of spots found by DIALS of the five sets come from Ke et al.
2018 (J. Synchrotron Rad. 25, 655) and its label files; the other values are typical of such beamlines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from fedbragg.simulation.beamline import Background, Beam, Beamline, Detector, Mix, Sample

_XFEL_MISSES = (
    ("blank", 0.985),
    ("salt", 0.003),
    ("shadow", 0.003),
    ("streak", 0.003),
    ("beam-off", 0.003),
    ("ice", 0.0015),
    ("faint", 0.0015),
)
_SYNCHROTRON_MISSES = (
    ("blank", 0.20),
    ("ice", 0.08),
    ("powder", 0.07),
    ("grains", 0.08),
    ("minerals", 0.04),
    ("behenate", 0.05),
    ("salt", 0.06),
    ("saxs", 0.06),
    ("gisaxs", 0.03),
    ("fluorescence", 0.03),
    ("solvent", 0.06),
    ("zingers", 0.07),
    ("cosmic-rays", 0.04),
    ("shadow", 0.05),
    ("streak", 0.05),
    ("hot", 0.04),
    ("edges", 0.03),
    ("beam-off", 0.04),
    ("faint", 0.03),
)


def _cspad(distance: float, gain: float, noise: float) -> Detector:
    return Detector(
        rows=1765, cols=1765, pixel_size=109.92e-6, distance=distance, beam_centre=(882.0, 882.0), dtype="int32",
        saturation=14000, layout="pinwheel", module=(185, 388), gap=(24, 30), integrating=True, point_spread=0.3,
        gain=gain, offset=5.0, read_noise=noise, hot=1e-5, dead=1e-4,
    )  # fmt: skip


def _rayonix(distance: float, gain: float) -> Detector:
    return Detector(
        rows=1920, cols=1920, pixel_size=177.08e-6, distance=distance, beam_centre=(960.0, 958.0), dtype="uint16",
        saturation=65535, integrating=True, point_spread=0.75, gain=gain, offset=10.0, read_noise=1.2, hot=0.0,
    )  # fmt: skip


_XFEL = Beam(
    wavelength=1.27, bandwidth=1.5e-3, divergence=1e-5, flux_spread=0.25, stop_radius=30, stop_masked=True
)
_STEADY = replace(_XFEL, flux_spread=0.15)

L498 = Beamline(
    "l498",
    "thermolysin on a CSPAD: most crystals weak, a quarter of the frames doubtful",
    _cspad(0.130, 22.5, 6.0),
    _XFEL,
    Sample((93.0, 93.0, 130.0, 90, 90, 120), "P 61 2 2", b_factor=25, mosaicity=6e-4, size=0.6, resolution=2.0),
    Background(level=3.0, spread=0.4, zingers=16.5, zinger_shape=1.6, zinger_size=4, zinger_photons=25),
    Mix(rates=((0.11, 0.335), (0.085, 0.39), (0.055, 0.28), (0.022, 0.20), (0.022, 0.145)), spots=(37, 1.15),
        too_weak=0.01, misses=_XFEL_MISSES),
)  # fmt: skip
LG36 = Beamline(
    "lg36",
    "tetragonal crystals on a CSPAD: few hits at first, more later",
    _cspad(0.120, 25.0, 5.0),
    _STEADY,
    Sample((79.0, 79.0, 38.0, 90, 90, 90), "P 43 21 2", b_factor=22, mosaicity=8e-4, size=0.6, resolution=1.9),
    Background(level=2.0, spread=0.2, zingers=9.0, zinger_shape=5, zinger_size=4, zinger_photons=20),
    Mix(rates=((0.03, 0.01), (0.09, 0.02), (0.17, 0.04), (0.18, 0.04), (0.14, 0.03)), spots=(38, 0.75),
        too_weak=0.01, misses=_XFEL_MISSES),
)  # fmt: skip
LN83 = Beamline(
    "ln83",
    "a medium cell on a Rayonix CCD at an X-ray laser",
    _rayonix(0.25, 1.53),
    _STEADY,
    Sample((73.0, 96.0, 119.0, 90, 90, 90), "P 21 21 21", b_factor=25, mosaicity=5e-4, size=0.7, spread=0.6,
           resolution=2.0),
    Background(level=110, floor=0.8, spread=0.08, zingers=4.2, zinger_shape=30, zinger_size=4, zinger_photons=300),
    Mix(rates=((0.17, 0.03), (0.17, 0.03), (0.18, 0.03), (0.18, 0.03), (0.16, 0.03)), spots=(62, 1.0),
        too_weak=0.01, misses=_XFEL_MISSES),
)  # fmt: skip
LN84 = Beamline(
    "ln84",
    "photosystem II's large cell on a Rayonix CCD at an X-ray laser: hundreds of close spots",
    _rayonix(0.35, 1.37),
    _STEADY,
    Sample((118.0, 223.0, 311.0, 90, 90, 90), "P 21 21 21", b_factor=60, mosaicity=2e-4, domain=5000,
           size=0.6, spread=0.2, resolution=2.8),
    Background(level=95, floor=0.6, spread=0.08, zingers=4.0, zinger_shape=8, zinger_size=4, zinger_photons=300),
    Mix(rates=((0.40, 0.07),), spots=(138, 1.2), too_weak=0.01, misses=_XFEL_MISSES),
)  # fmt: skip
LO19 = Beamline(
    "lo19",
    "cyclophilin A on a Rayonix CCD at an X-ray laser: bright, often several crystals at once",
    _rayonix(0.16, 1.4),
    _STEADY,
    Sample((42.0, 52.0, 88.0, 90, 90, 90), "P 21 21 21", b_factor=14, mosaicity=1e-3, size=0.7, resolution=1.5,
           spread=0.5, extra_lattices=2.5),
    Background(level=110, floor=1.8, spread=0.08, zingers=15.0, zinger_shape=12, zinger_size=4, zinger_photons=300),
    Mix(rates=((0.365, 0.075),), spots=(325, 1.35), too_weak=0.01, misses=_XFEL_MISSES),
)  # fmt: skip
PILATUS6M = Beamline(
    "pilatus6m",
    "protein crystals on a synchrotron's Pilatus 6M, a fast grid scan",
    Detector(
        rows=2527, cols=2463, pixel_size=172e-6, distance=0.33, beam_centre=(1255.0, 1290.0), dtype="int32",
        saturation=1_000_000, module=(195, 487), gap=(17, 7), gap_value=-1, point_spread=0.35, absorption=2.0,
    ),
    Beam(wavelength=0.97, stop_radius=18, stop_arm=1.5),
    Sample((58.0, 58.0, 150.0, 90, 90, 90), "P 41 21 2", b_factor=25, mosaicity=1e-3, domain=5000,
           size=0.8, spread=0.5, outline=1.0),
    Background(level=1.5, spread=1.0, air=1.5, floor_spread=0.6, zingers=0.5, zinger_size=1.5, zinger_photons=8),
    Mix(rates=((0.35, 0.15),), spots=(130, 1.2), artefact_share=0.3, misses=_SYNCHROTRON_MISSES),
)  # fmt: skip
PILATUS2M = Beamline(
    "pilatus2m",
    "a small molecule on a Pilatus 2M: a handful of sharp spots, almost no background",
    Detector(
        rows=1679, cols=1475, pixel_size=172e-6, distance=0.16, beam_centre=(735.0, 860.0), dtype="int32",
        saturation=400_000, module=(195, 487), gap=(17, 7), gap_value=-1, point_spread=0.35, absorption=0.8,
    ),
    Beam(wavelength=0.69, divergence=3e-4, stop_radius=15),
    Sample((8.1, 12.1, 5.4, 90, 90, 90), "P 21 21 21", b_factor=3, mosaicity=2e-3, size=0.5, spread=0.4,
           outline=0.4, resolution=0.62, extra_lattices=0.4),
    Background(level=0.05, spread=1.0, floor=0.4, floor_spread=0.8, zingers=0.3, zinger_size=1.5, zinger_photons=6),
    Mix(rates=((0.2, 0.3),), spots=(17, 0.45), artefact_share=0.3, misses=_SYNCHROTRON_MISSES),
)  # fmt: skip
EIGER16M = Beamline(
    "eiger16m",
    "lysozyme on a synchrotron's Eiger 16M at hundreds of frames a second: almost no background",
    Detector(
        rows=4371, cols=4150, pixel_size=75e-6, distance=0.2, beam_centre=(2080.0, 2170.0), dtype="uint16",
        saturation=65534, module=(514, 1030), gap=(37, 10), gap_value=65535, point_spread=0.4, absorption=1.6,
    ),
    Beam(wavelength=1.0, stop_radius=35, stop_arm=0.1),
    Sample((79.0, 79.0, 38.0, 90, 90, 90), "P 43 21 2", b_factor=22, mosaicity=8e-4, domain=5000,
           size=1.1, spread=0.45),
    Background(level=0.15, spread=1.2, floor_spread=0.6, zingers=1.0, zinger_size=1.5, zinger_photons=5),
    Mix(rates=((0.25, 0.12),), spots=(100, 1.1), artefact_share=0.3, misses=_SYNCHROTRON_MISSES),
)  # fmt: skip
CCD = Beamline(
    "ccd",
    "protein crystals on a CCD of the 2000s: dark offset, blurred noise, strong solvent ring",
    Detector(
        rows=1024, cols=1024, pixel_size=80e-6, distance=0.06, beam_centre=(505.0, 530.0), dtype="uint16",
        saturation=65535, integrating=True, point_spread=0.7, gain=2.0, offset=40.0, read_noise=4.0, taper_radius=620.0,
    ),
    Beam(wavelength=0.92, divergence=5e-4, stop_radius=40, stop_arm=2.4),
    Sample((48.0, 48.0, 63.0, 90, 90, 90), "P 41", b_factor=20, mosaicity=2.5e-3, size=1.2, spread=0.4),
    Background(level=300, spread=1.2, loop=0.15, floor_spread=0.6, zingers=6, zinger_size=2, zinger_photons=200),
    Mix(rates=((0.35, 0.15),), spots=(150, 1.1), artefact_share=0.3, misses=_SYNCHROTRON_MISSES),
)  # fmt: skip

BEAMLINES: Mapping[str, Beamline] = MappingProxyType(
    {line.name: line for line in (L498, LG36, LN83, LN84, LO19, PILATUS6M, PILATUS2M, EIGER16M, CCD)}
)
