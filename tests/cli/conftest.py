from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # commands.py lies beside the tests

from commands import SETTINGS, Trained, done


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
