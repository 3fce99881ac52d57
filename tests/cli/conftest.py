from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # commands.py lies beside the tests

from commands import done

SETTINGS = """\
seed = 5
[model]
public_frames = 36
public_epochs = 25
[training]
warmup_epochs = 3
epochs = 1
[federation]
barriers = 2
[[sites]]
name = "counter"
runs = ["counter/pilatus6m.h5"]
labels = "counter/labels.csv"
[[sites]]
name = "old-ccd"
runs = ["old"]
labels = "old/labels.csv"
speed = 2.0
"""


@dataclass(frozen=True)
class Trained:
    """A small federation, trained by the command line alone."""

    folder: Path  # holds counter/, old/, federation.toml and first/
    said: str  # what the training printed

    @property
    def model(self) -> Path:
        return self.folder / "first" / "model.onnx"

    @property
    def run(self) -> Path:
        return self.folder / "counter" / "pilatus6m.h5"

    @property
    def labels(self) -> Path:
        return self.folder / "counter" / "labels.csv"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two small sites, simulated; a model of a minute's training is none to judge by, but it is a whole one."""
    folder = tmp_path_factory.mktemp("federation")
    for beamline, place, seed in (("pilatus6m", "counter", 3), ("ccd", "old", 4)):
        done(
            "simulate",
            beamline,
            "--frames",
            "40",
            "--size",
            "256",
            "--seed",
            str(seed),
            "--out",
            folder / place,
        )
    (folder / "federation.toml").write_text(SETTINGS, encoding="utf-8")
    said = done("federate", folder / "federation.toml", "--out", folder / "first")
    return Trained(folder, said)
