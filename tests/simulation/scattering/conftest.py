"""Experiments and scenes that several tests look at."""

import numpy as np
import pytest

from fedbragg.simulation.scattering.camera import Camera
from fedbragg.simulation.scattering.experiment import Experiment, ScatteringSample
from fedbragg.simulation.scattering.layouts import Layout

# The published generator's geometry (8.8984 keV, 75 micrometres, 0.594 m); the beam in the middle.
CAMERA = Camera(256, 256, 75e-6, 0.594, 1.39334, (127.5, 127.5))


@pytest.fixture
def camera() -> Camera:
    return CAMERA


@pytest.fixture
def plain() -> Experiment:
    """One smooth ring on a detector of one piece, without a stop."""
    layout = Layout("one piece", 256, 256, 75e-6)
    sample = ScatteringSample("single ring", 3, 1.0)
    return Experiment(CAMERA, layout, "small angle", (sample,), None, peak_counts=3000.0, seed=6, spread=0.0)


@pytest.fixture
def seed() -> np.random.SeedSequence:
    return np.random.SeedSequence(11)
