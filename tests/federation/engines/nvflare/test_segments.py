"""Micrographs with real processes that share their style: the model is the local engine's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beside_local import assert_same_as_local, deployed
from deployment import Deployment
from PIL import Image
from test_hits import fedbragg

from fedbragg.styles import PREFIX

pytestmark = pytest.mark.slow
LEVELS = {"north": (60, 200), "south": (170, 90)}
"""Grey of the ground and of the squares: the sites differ in style alone."""
FILES = "images/*.png"
SETTINGS: dict[str, Any] = {
    "task": "segments",
    "segments": {"names": ["ground", "square"], "public_pictures": 0},
    "training": {"warmup_epochs": 1, "epochs": 1, "batch": 4},
    "federation": {"schedule": "sync", "barriers": 2, "deadline": 120.0},
    "style": {"share": "statistics"},
    "server": {"heartbeat": 0.5, "server_timeout": 60.0},
    "sites": [{"name": name} for name in LEVELS],
}


def write_micrographs(folder: Path, seed: int) -> None:
    """Write a site's pictures of a square each, and the masks."""
    generator = np.random.default_rng(seed)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    ground, square = LEVELS[folder.name]
    for number in range(5):
        classes = np.zeros((96, 96), np.uint8)
        row, col = generator.integers(5, 60, 2)
        classes[row : row + 24, col : col + 24] = 1
        picture = np.where(classes == 1, square, ground) + generator.normal(0, 6, classes.shape)
        Image.fromarray(picture.astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(classes).save(folder / "masks" / f"{number}.png")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("segments")
    with deployed(folder, SETTINGS, FILES, write_micrographs, "masks") as made:
        yield made


def test_the_model_is_the_local_engines_and_styles_have_travelled(deployment: Deployment) -> None:
    assert_same_as_local(deployment, SETTINGS, FILES, rtol=1e-5, labels="masks")
    folder = deployment.folder
    named = re.compile(rf"{PREFIX}(\w+):statistics".encode())
    sent = {name.decode() for name in named.findall((folder / "server.record").read_bytes())}
    assert sent == set(LEVELS)  # the server passes each site's style on
    command = ("segments", "label", "north/images/0.png", "--model", "real/model.onnx", "--out", "labels")
    done = fedbragg(folder, *command)
    assert done.returncode == 0, done.stderr
