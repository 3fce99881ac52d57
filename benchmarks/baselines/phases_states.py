"""Networks of the phases benchmark, trained on simulated patterns alone; kept in the temporary folder."""

from __future__ import annotations

import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from baselines.phases_patterns import TASK, drawn, pool_code
from fedbragg.tasks.phases import learner, losses, network
from fedbragg.tasks.phases.settings import LossName


def trained(patterns: int, epochs: int, seed: int, loss: LossName = "plain") -> dict[str, np.ndarray]:
    """Return the state after training on a seed's own patterns of the pool."""
    name = f"fedbragg-phases-{loss}-{patterns}-{epochs}-{seed}-{_code():08x}.npz"
    kept = Path(tempfile.gettempdir()) / name
    if not kept.is_file():
        task = replace(TASK, loss=loss)
        np.savez(kept, **task.pretrain(drawn(patterns, seed), epochs, seed))
        print(f"trained {name}", file=sys.stderr, flush=True)
    return dict(np.load(kept))


def _code() -> int:
    """Return a sum over the code that trains, so that another code's networks are not taken for its own."""
    files = [Path(module.__file__) for module in (learner, losses, network)]
    return zlib.crc32(b"".join(file.read_bytes() for file in files), pool_code())
