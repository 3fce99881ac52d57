"""The toy task, installed as another package would install a task of its own, and sites for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

SETTINGS = """\
task = "toy"
seed = 3

[toy]
scale = 0.2

[training]
warmup_epochs = 20
epochs = 10
learning_rate = 0.02

[federation]
aggregation = "fedkl"
schedule = "{schedule}"
barriers = {barriers}
"""


def install_toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a distribution with the toy's entry point on the path of this process and of those that it starts."""
    made = folder / "toytask-1.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: toytask\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text("[fedbragg.tasks]\ntoy = fedbragg.testing.toy\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


def write_points(path: Path, seed: int, points: int = 120, shift: float = 0.0) -> Path:
    """Write a site's points; those above the line y = x are 1."""
    x = np.random.default_rng(seed).normal(shift, 1, (points, 2))
    rows = [f"{a},{b},{int(b > a)}" for a, b in x]
    path.write_text("\n".join(["x,y,above", *rows]) + "\n")
    return path


def toy_federation(folder: Path, schedule: str = "sync", barriers: int = 3, head: str = "") -> Path:
    """Write three sites' points and their federation.toml."""
    text = head + SETTINGS.format(schedule=schedule, barriers=barriers)
    for number, name in enumerate(("a", "b", "c")):
        write_points(folder / f"{name}.csv", number, shift=number - 1.0)
        text += f'\n[[sites]]\nname = "{name}"\nruns = ["-"]\nlabels = "{name}.csv"\n'
    path = folder / "federation.toml"
    path.write_text(text)
    return path
