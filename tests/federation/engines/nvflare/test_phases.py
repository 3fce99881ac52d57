"""Phase identification with real processes, by the command line: the model is the local engine's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beside_local import assert_same_as_local, deployed
from deployment import Deployment
from test_hits import fedbragg
from waiting import wait_for

from fedbragg.simulation.powder import PowderConditions, draw_present, shipped_phases, simulate_pattern

pytestmark = pytest.mark.slow
NAMES = tuple(phase.name for phase in shipped_phases())
SITES = ("north", "south")
FILES = "*.xy"
WAVELENGTH = 0.5608  # angstrom
SETTINGS: dict[str, Any] = {
    "task": "phases",
    "phases": {"public_patterns": 40, "public_epochs": 1},
    "training": {"warmup_epochs": 1, "epochs": 1},
    "federation": {"schedule": "sync", "barriers": 2, "deadline": 120.0},
    "server": {"heartbeat": 0.5, "server_timeout": 60.0},
    "sites": [{"name": name} for name in SITES],
}


def write_patterns(folder: Path, seed: int, never: int) -> None:
    """Write a site's patterns, none of which shows one of the phases, and their table."""
    folder.mkdir()
    generator = np.random.default_rng(seed)
    rows = [",".join(("path", *NAMES))]
    for number in range(30):
        present = draw_present(len(NAMES), PowderConditions(), generator)
        present[never] = False
        made = simulate_pattern(shipped_phases(), present, PowderConditions(), generator)
        two_theta = 2 * np.degrees(np.arcsin(made.pattern.q * WAVELENGTH / (4 * np.pi)))
        np.savetxt(folder / f"{number}.xy", np.stack([two_theta, made.pattern.intensity], axis=1))
        rows.append(",".join([f"{number}.xy", *("" if seen < 0 else str(seen) for seen in made.seen)]))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    def write(site: Path, number: int) -> None:
        write_patterns(site, number, number)

    with deployed(tmp_path_factory.mktemp("phases"), SETTINGS, FILES, write) as made:
        yield made


def test_the_model_is_the_local_engines_and_every_site_gets_it(deployment: Deployment) -> None:
    folder = deployment.folder
    assert_same_as_local(deployment, SETTINGS, FILES)
    models = [deployment.kit(site) / "site" / "models" for site in SITES]
    wait_for(lambda: all(any(place.glob("*.onnx")) for place in models), "the model at every site", 60)
    done = fedbragg(
        folder, "phases", "identify", "north/0.xy", "--model", "real/model.onnx", "--out", "named"
    )
    assert done.returncode == 0, done.stderr
