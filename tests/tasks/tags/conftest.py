"""A few simulated images, made once."""

import pytest

from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.sources import Simulated, simulated


@pytest.fixture(scope="session")
def images() -> TagData:
    return simulated(Simulated(experiments=16, images=3, longest=(96, 128)), 5, lambda text=None: None)
