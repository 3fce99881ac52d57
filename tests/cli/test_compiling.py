"""The first screening on a machine says that it compiles, the next one does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedbragg.cli.compiling import COMPILING
from fedbragg.images import write_run
from fedbragg.types import Geometry


@pytest.mark.slow
def test_compiling_is_said_once(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).poisson(2, (2, 64, 96)).astype(np.uint16)
    write_run(tmp_path / "run.h5", counts, geometry=Geometry())
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [str(Path(sys.executable).with_name("fedbragg")), "screen", "run.h5", "--out", "out"]
    first, second = (
        subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert first.count(COMPILING) == 1
    assert COMPILING not in second
