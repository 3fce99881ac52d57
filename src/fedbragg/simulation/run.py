"""Simulate a run of stills in order; the same seed gives the same bytes with any number of workers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fedbragg.errors import ConfigError
from fedbragg.ordered_map import ordered_map
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import Still, simulate_still


def simulate_run(beamline: Beamline, frames: int, seed: int, workers: int = 1) -> Iterator[Still]:
    """Yield ``frames`` stills in order; each has its own seed, so ``workers`` changes only the speed.

    Workers are threads, because the compiled loops over pixels release Python's lock. Raises ConfigError for a negative
    number of frames or fewer than one worker.
    """
    if frames < 0 or workers < 1:
        raise ConfigError(
            f"cannot simulate {frames} frames with {workers} workers; give 0 or more, and 1 or more."
        )
    shared, run = np.random.SeedSequence(seed).spawn(2)
    station = set_up(beamline, shared)
    seeded = ((index / frames, child) for index, child in enumerate(run.spawn(frames)))
    threads = 0 if workers == 1 else workers
    return ordered_map(lambda one: simulate_still(station, *one), seeded, threads, depth=2 * workers)
