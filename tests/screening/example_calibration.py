"""Labelled frames with known scores, for the tests of calibration and of drift."""

from __future__ import annotations

import numpy as np

from fedbragg.screening.guarantee.calibrate import make_calibration
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames
from fedbragg.tasks.hits.calibration_card import Calibration, Origin

ORIGIN = Origin("0.1.0", "model", "labels", "2026-11-21")
LEVEL, SPREAD = 100.0, 0.3


def labelled_frames(number: int = 800, seed: int = 1, share: float = 0.5) -> LabelledFrames:
    """Hits have log odds around 3, misses around -3; levels are log-normal around 100 counts a pixel."""
    generator = np.random.default_rng(seed)
    hit = generator.random(number) < share
    odds = np.where(hit, generator.normal(3, 1.5, number), generator.normal(-3, 1, number))
    level = LEVEL * np.exp(generator.normal(0, SPREAD, number))
    return LabelledFrames(1 / (1 + np.exp(-odds)), hit, level, np.arange(number))


def calibration(number: int = 800, seed: int = 1) -> Calibration:
    return make_calibration(labelled_frames(number, seed), Demand(), ORIGIN)
