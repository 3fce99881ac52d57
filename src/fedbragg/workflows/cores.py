"""Number of cores to work on."""

from __future__ import annotations

import os


def number_of_threads(threads: int) -> int:
    """Return how many threads to use; 0 means one for each core that this process may use."""
    return threads or len(os.sched_getaffinity(0))
