"""Beamlines with smaller detectors."""

from __future__ import annotations

import pytest

from fedbragg.errors import ConfigError
from fedbragg.simulation import BEAMLINES, reduced


def test_a_detector_cannot_be_reduced_to_a_larger_one() -> None:
    with pytest.raises(ConfigError, match="give 64 to 1024 rows"):
        reduced(BEAMLINES["ccd"], 2000, 2000)
