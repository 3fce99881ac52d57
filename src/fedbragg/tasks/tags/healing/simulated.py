"""Simulated images whose counts are known where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.scattering.experiment import Experiment
from fedbragg.simulation.scattering.image import set_up, simulate_image

UNSHADED = 0.99
"""Share of the light from which a pixel is not in a beamstop's shadow."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A simulated image with its truth."""

    counts: NDArray[np.float32]  # (rows, cols) as the file has them
    expected: NDArray[np.float32]  # (rows, cols) as the file would have them without gaps, noise and defects
    measured: NDArray[np.bool_]  # (rows, cols) where a sensor is that the file does not mask
    true: NDArray[
        np.bool_
    ]  # (rows, cols) where ``expected`` is scattering, not the darkness of a masked shadow
    centre: tuple[float, float]  # pixel, (column, row) of the direct beam


def known_image(experiment: Experiment, seed: np.random.SeedSequence) -> Known:
    """Simulate an image of an experiment with its truth."""
    setup = set_up(experiment)
    image = simulate_image(setup, seed)
    gap = np.rot90(setup.gap, experiment.turns)
    passed = np.rot90(setup.stops[0] * setup.stops[1], experiment.turns)
    seams = np.rot90(setup.fixtures.seams, experiment.turns)
    readout, expected = setup.fixtures.readout, image.expected
    if readout.integrating:
        expected = expected * np.float32(readout.gain) + np.float32(readout.offset) + seams
    masked = experiment.stop is not None and experiment.stop.masked
    true = (passed >= UNSHADED) | np.full(passed.shape, not masked)
    return Known(image.counts.astype(np.float32), expected, ~(gap | image.mask), true, image.centre)
