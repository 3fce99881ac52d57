"""The batch scripts of the how-to run as they stand; only Slurm's own srun, which is not here, is a line of shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedbragg.images import write_run
from fedbragg.types import Geometry

PAGE = Path(__file__).parents[2] / "docs/how-to/many-machines.md"
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


def script(name: str, folder: Path) -> Path:
    """Write one of the page's scripts, for two shards of a run in a folder."""
    found = re.search(rf"^`{name}`\n```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None
    text = found[1].replace("/data/visit/run_7", str(folder / "run_7")).replace("SHARDS=16 ", "SHARDS=2 ")
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def submitted(path: Path, task: int = 0) -> subprocess.CompletedProcess[str]:
    slurm = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_CPUS_PER_TASK": "1"}
    programs = f"{path.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eu", str(path)],
        env={**os.environ, **slurm, "PATH": programs},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_as_many_tasks_are_submitted_as_there_are_shards() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"--array=1-(\d+)$", text, re.M) == re.findall(r"^SHARDS=(\d+)", text, re.M)


@pytest.mark.slow
def test_an_array_of_two_tasks_and_the_job_that_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "srun").write_text(SRUN)
    (tmp_path / "srun").chmod(0o755)
    (tmp_path / "run_7").mkdir()
    rng = np.random.default_rng(1)
    frames = list(rng.poisson(1, (5, 80, 80)).astype(np.uint16))
    for frame in frames[1:]:  # whatever the packaged model, one of them is a hit
        for row, col in rng.integers(8, 72, (12, 2)):
            frame[row - 1 : row + 2, col - 1 : col + 2] += 20
            frame[row, col] += 60
    write_run(tmp_path / "run_7" / "run.h5", frames, geometry=Geometry())
    screen, merge = script("screen.sbatch", tmp_path), script("merge.sbatch", tmp_path)
    first = submitted(screen, 1)
    assert first.returncode == 0, first.stderr
    second = submitted(screen, 2)
    assert second.returncode == 0, second.stderr
    merged = submitted(merge)
    assert merged.returncode == 0, merged.stderr
    results = {path.name for path in (tmp_path / "run_7_screened" / "results").iterdir()}
    assert {"verdicts.csv", "verdicts.parquet", "hits.lst", "hits.nxs", "report.html"} <= results
