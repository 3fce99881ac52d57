"""A facility that does not exist: detector, beam, sample and background drawn at random.

A model that has seen nine facilities may know these nine. One that has seen a new facility every few frames has to find
what all of them share. The ranges are those of real instruments and samples: from a small molecule on a microscope's
camera to a virus at an X-ray laser.
"""

from __future__ import annotations

from dataclasses import replace
from math import asin, tan

import numpy as np

from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.simulation.beamline import Background, Beam, Beamline, Detector, Mix, Sample

_COUNTERS = ((55e-6, (256, 256), (3, 3)), (75e-6, (514, 1030), (37, 10)), (100e-6, (0, 0), (0, 0)),
             (172e-6, (195, 487), (17, 7)), (150e-6, (100, 500), (10, 10)))  # fmt: skip
"""Pixel in metres, module and gap in pixels: Medipix, Eiger, one sensor, Pilatus, and a detector of the 2000s."""
_GROUPS = ("P 1", "P 1 21 1", "P 21 21 21", "C 2 2 21", "P 43 21 2", "P 61 2 2", "I 2 3")
_NEAREST = 0.02  # metre, sample to detector
_EDGES = (512, 640, 768, 1000, 1280, 1600)  # pixel


def anywhere(generator: np.random.Generator, number: int) -> Beamline:
    """Draw a facility; ``number`` only names it."""
    beam = Beam(
        wavelength=float(generator.uniform(0.5, 1.8)),
        bandwidth=_between(generator, 5e-5, 5e-3),
        divergence=_between(generator, 1e-5, 1e-3),
        polarisation=float(generator.choice([0.99, 0.9, 0.5])),
        flux_spread=float(generator.uniform(0.02, 0.4)),
        stop_radius=float(generator.uniform(10, 45)),
        stop_masked=bool(generator.random() < 0.4),
        stop_arm=float(generator.uniform(0, 2 * np.pi)) if generator.random() < 0.5 else None,
    )
    sample = _sample(generator)
    integrating = bool(generator.random() < 0.4)
    detector = _detector(generator, beam, sample, integrating)
    background = _background(generator, integrating)
    mix = Mix(
        rates=((0.3, 0.25),),
        spots=(_between(generator, 14, 300), float(generator.uniform(0.4, 1.2))),
        artefact_share=0.3,
        misses=tuple((kind, 1.0) for kind in ARTEFACTS),
    )
    name = f"anywhere {number}"
    return Beamline(name, "drawn at random", detector, beam, sample, background, mix)


def _between(generator: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is even between two."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _sample(generator: np.random.Generator) -> Sample:
    small = bool(generator.random() < 0.3)
    low, high, finest = (5.0, 20.0, 0.6) if small else (35.0, 200.0, 1.3)
    group = str(generator.choice(_GROUPS))
    a, b, c = (_between(generator, low, high) for _ in range(3))
    cells = {
        "P 1": (a, b, c, *generator.uniform(75, 105, size=3).tolist()),
        "P 1 21 1": (a, b, c, 90.0, float(generator.uniform(90, 115)), 90.0),
        "P 43 21 2": (a, a, c, 90.0, 90.0, 90.0),
        "P 61 2 2": (a, a, c, 90.0, 90.0, 120.0),
        "I 2 3": (a, a, a, 90.0, 90.0, 90.0),
    }
    return Sample(
        cell=cells.get(group, (a, b, c, 90.0, 90.0, 90.0)),
        space_group=group,
        b_factor=float(generator.uniform(2, 8) if small else generator.uniform(10, 60)),
        resolution=float(generator.uniform(1, 1.6) * finest),
        mosaicity=_between(generator, 2e-4, 4e-3),
        domain=_between(generator, 800, 8000),
        size=_between(generator, 0.4, 1.4),
        outline=_between(generator, 0.2, 1.2),
        spread=float(generator.uniform(0.2, 0.5)),
        extra_lattices=_between(generator, 0.02, 0.6),
    )


def _detector(generator: np.random.Generator, beam: Beam, sample: Sample, integrating: bool) -> Detector:
    """Draw a detector whose nearest edge sees a third less to half as much again as the crystals' resolution."""
    rows, cols = (int(edge) for edge in generator.choice(_EDGES, size=2))
    centre = (cols * float(generator.uniform(0.35, 0.65)), rows * float(generator.uniform(0.35, 0.65)))
    kind = _ccd(generator) if integrating else _counter(generator)
    angle = 2 * asin(min(beam.wavelength / 2 / (sample.resolution * generator.uniform(0.7, 1.5)), 0.6))
    distance = kind.pixel_size * min(*centre, rows - centre[1], cols - centre[0]) / tan(min(angle, 1.1))
    return replace(kind, rows=rows, cols=cols, distance=max(float(distance), _NEAREST), beam_centre=centre)


def _counter(generator: np.random.Generator) -> Detector:
    """Draw a photon counter's properties, without its size and place."""
    pixel, module, gap = _COUNTERS[int(generator.integers(len(_COUNTERS)))]
    dtype = str(generator.choice(["uint16", "uint32", "int32"]))
    most = 65534 if dtype == "uint16" else int(_between(generator, 6e4, 2e6))
    return Detector(
        0, 0, pixel, 0, (0, 0), dtype, most, module=module, gap=gap, gap_value=-1 if dtype == "int32" else most + 1,
        point_spread=float(generator.uniform(0.2, 0.55)), absorption=float(generator.uniform(0.5, 3)),
        hot=_between(generator, 1e-7, 2e-5), flat=float(generator.uniform(0, 0.03)),
    )  # fmt: skip


def _ccd(generator: np.random.Generator) -> Detector:
    """Draw an integrating detector's properties, without its size and place."""
    gain = _between(generator, 0.5, 30)
    return Detector(
        0, 0, _between(generator, 40e-6, 180e-6), 0, (0, 0), "uint16", 65535, integrating=True, gain=gain,
        point_spread=float(generator.uniform(0.25, 0.9)), offset=_between(generator, 3, 300),
        read_noise=gain * _between(generator, 0.1, 2), hot=_between(generator, 1e-7, 1e-5),
        flat=float(generator.uniform(0, 0.02)),
    )  # fmt: skip


def _background(generator: np.random.Generator, integrating: bool) -> Background:
    return Background(
        level=_between(generator, 0.5, 300) if integrating else _between(generator, 0.01, 30),
        spread=float(generator.uniform(0.1, 1)),
        air=_between(generator, 0.1, 3),
        solvent=_between(generator, 0.05, 2),
        loop=float(generator.choice([0.0, 0.0, 0.2, 0.6])),
        floor=_between(generator, 0.02, 1.5),
        floor_spread=float(generator.uniform(0, 0.8)),
        zingers=_between(generator, 0.1, 15 if integrating else 1.5),
        zinger_shape=float(generator.uniform(1.5, 10)),
        zinger_size=float(generator.uniform(1, 4 if integrating else 2)),
        zinger_photons=_between(generator, 10, 300) if integrating else _between(generator, 3, 20),
    )
