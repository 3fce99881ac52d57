"""A run of stills in order, the same bytes from the same seed however many workers make them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from fedbragg.errors import ConfigError
from fedbragg.simulation.beamline import Beamline
from fedbragg.simulation.station import Station, set_up
from fedbragg.simulation.still import Still, simulate_still


def simulate_run(beamline: Beamline, frames: int, seed: int, workers: int = 1) -> Iterator[Still]:
    """Yield ``frames`` stills in order; each has a seed of its own, so ``workers`` changes the time only.

    Workers are threads: the loops over pixels are compiled and hold no lock.
    """
    if frames < 0 or workers < 1:
        raise ConfigError(
            f"cannot simulate {frames} frames with {workers} workers; give 0 or more, and 1 or more."
        )
    shared, run = np.random.SeedSequence(seed).spawn(2)
    station = set_up(beamline, shared)
    jobs = ((station, index / frames, child) for index, child in enumerate(run.spawn(frames)))
    if workers == 1:
        return (simulate_still(*job) for job in jobs)
    return _in_order(jobs, workers)


def _in_order(jobs: Iterator[tuple[Station, float, np.random.SeedSequence]], workers: int) -> Iterator[Still]:
    """Keep at most two frames a worker in the air, and yield them as they were asked for."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Still]] = deque()
        for job in jobs:
            waiting.append(pool.submit(simulate_still, *job))
            if len(waiting) == 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
