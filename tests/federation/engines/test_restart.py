"""The coordinator's process killed at random moments: it resumes from its last barrier and ends the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fedbragg.federation import RecordingSettings, federate

SCRIPT = Path(__file__).with_name("federation_to_kill.py")
LENGTH = {"sync": 0.3, "hybrid": 1.2}  # seconds that the slowed federation takes


def killed_after(seconds: float, folder: Path, schedule: str) -> None:
    command = [sys.executable, str(SCRIPT), str(folder), schedule, "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # it has imported everything and is about to start
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_killed_at_ten_random_moments_it_ends_the_same(
    make_problem, settings, tmp_path: Path, schedule: str
) -> None:
    def run(folder: Path | None):
        problem = make_problem()
        rules = settings(schedule=schedule, barriers=8, workers=2)
        return federate(
            rules,
            problem.sites,
            problem.initial,
            recording=RecordingSettings(evaluate=problem.evaluate, checkpoints=folder),
        )

    whole = run(None)
    reached = []
    for number, moment in enumerate(np.random.default_rng(7).uniform(0, LENGTH[schedule], 10)):
        folder = tmp_path / str(number)
        killed_after(moment, folder, schedule)
        reached.append(barriers_in(folder))
        resumed = run(folder)
        assert without_joins(resumed.history) == without_joins(whole.history)
        for name, tensor in whole.model.items():
            assert np.array_equal(resumed.model[name], tensor)
    assert len(set(reached)) >= 3  # the moments fell between different barriers


def barriers_in(folder: Path) -> int:
    record = folder / "checkpoint.json"
    return json.loads(record.read_text())["record"]["barrier"] if record.exists() else 0


def without_joins(history: list[dict]) -> list[dict]:
    """Drop the joins, which are repeated when a federation resumes; all else is the same."""
    return [line for line in history if line["event"] != "joined"]
