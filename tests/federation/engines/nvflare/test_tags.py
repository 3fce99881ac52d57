"""Tags with real processes, each site annotating some of the tags: the model is the local engine's."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beside_local import assert_same_as_local, deployed
from deployment import Deployment, check_announced
from test_hits import fedbragg

from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.simulation.scattering.tag_names import TAGS

pytestmark = pytest.mark.slow
ANNOTATES = {
    "north": ("ring", "halo", "beam_off_image"),
    "south": ("ring", "anisotropic", "strong_scattering"),
}
FILES = "*.npy"
SETTINGS: dict[str, Any] = {
    "task": "tags",
    "tags": {"public_images": 0},
    "training": {"warmup_epochs": 1, "epochs": 1},
    "federation": {"schedule": "sync", "barriers": 2, "deadline": 120.0},
    "server": {"heartbeat": 0.5, "server_timeout": 60.0},
    "sites": [{"name": name} for name in ANNOTATES],
}


def write_images(folder: Path, seed: int, annotates: tuple[str, ...]) -> None:
    """Write a site's images and the table of the tags that it annotates."""
    folder.mkdir()
    rows = []
    for number in range(8):
        experiment = draw_experiment(ANY_INSTRUMENT, 96, np.random.SeedSequence([seed, number]))
        for j, image in enumerate(simulate_images(experiment, 2, np.random.SeedSequence([seed, number, 1]))):
            np.save(folder / f"{number}_{j}.npy", np.where(image.mask, -1, image.counts).astype(np.int32))
            tags = [int(image.tags[TAGS.index(tag)]) for tag in annotates]
            rows.append([f"{number}_{j}.npy", *("" if tag < 0 else tag for tag in tags)])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", *annotates], *rows])


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    def write(site: Path, number: int) -> None:
        write_images(site, number, ANNOTATES[site.name])

    with deployed(tmp_path_factory.mktemp("tags"), SETTINGS, FILES, write) as made:
        yield made


def test_the_model_is_the_local_engines(deployment: Deployment) -> None:
    assert_same_as_local(deployment, SETTINGS, FILES, rtol=1e-5)
    check_announced(deployment, "north", 2)
    done = fedbragg(
        deployment.folder,
        "tags",
        "identify",
        "north/0_0.npy",
        "--model",
        "real/model.onnx",
        "--out",
        "tagged",
    )
    assert done.returncode == 0, done.stderr
