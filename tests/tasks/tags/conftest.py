"""A few simulated images, made once."""

import sys
from pathlib import Path

import pytest

from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.sources import Simulated, simulated

sys.path.insert(0, str(Path(__file__).parent))  # lit_rings.py lies beside the tests


@pytest.fixture(scope="session")
def images() -> TagData:
    return simulated(Simulated(experiments=16, images=3, longest=(96, 128)), 5, lambda text=None: None)
