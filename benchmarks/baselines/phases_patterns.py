"""The simulated patterns of the phases benchmark: one pool on disk, of which each seed draws its own."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from baselines.phases_judging import LINES, PHASES, SETTINGS
from fedbragg.simulation import powder
from fedbragg.tasks.phases import prepare as pattern
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.sources import SimulationPlan, simulated

SEEDS = range(5)
TASK = PhaseTraining(LINES, SETTINGS)
POOL = 10_000
"""Simulated patterns of which each seed draws its own."""


def simulate(patterns: int, seed: int, never: Sequence[int] = ()) -> PhaseData:
    return simulated(SimulationPlan(PHASES, SETTINGS, never=tuple(never)), patterns, 7_000 + seed)


def drawn(patterns: int, seed: int) -> PhaseData:
    """Return a seed's own patterns of the pool."""
    return kept(POOL, 0)[torch.from_numpy(np.random.default_rng(seed).permutation(POOL)[:patterns])]


@lru_cache(maxsize=2)
def kept(patterns: int, seed: int) -> PhaseData:
    """Return simulated patterns, from the temporary folder if they exist."""
    path = Path(tempfile.gettempdir()) / f"fedbragg-phases-{patterns}-{seed}-{pool_code():08x}.npz"
    if not path.is_file():
        made = simulate(patterns, seed)
        np.savez(path, views=made.views.numpy(), labels=made.labels.numpy())
    arrays = np.load(path)
    views, labels = (torch.from_numpy(arrays[name]) for name in ("views", "labels"))
    return PhaseData(views, labels, torch.zeros(patterns, dtype=torch.bool))


def pool_code() -> int:
    """Return a sum over the code that makes the patterns, so that another code's are not taken for its own."""
    source = Path(powder.__file__).parent
    files = [*sorted(source.glob("*.py")), *sorted(source.glob("*.cif")), Path(pattern.__file__)]
    return zlib.crc32(b"".join(file.read_bytes() for file in files))
