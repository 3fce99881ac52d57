"""The real scattering images with a person's tags; they only judge."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from baselines.tags_conditions import DATA
from fedbragg.images import open_run
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.labels import read_tags
from fedbragg.types import Frame

TRUSTED = (
    "beam_off_image", "circular_beamstop", "linear_beamstop", "halo", "ring", "many_rings", "polycrystalline",
    "anisotropic", "grazing_incidence",
)  # fmt: skip
"""Attributes that a person can judge by eye, with at least four images that have them and four that lack them."""


def available() -> bool:
    return (DATA / "labels.csv").is_file()


@lru_cache(maxsize=1)
def labels() -> NDArray[np.float32]:
    """Return the person's tags of each image (images, tags): 1, 0 or -1."""
    table = read_tags(DATA / "labels.csv", TAGS)
    rows = [table.tags(str(DATA / path), 0) for path in paths()]
    return np.array(rows)


@lru_cache(maxsize=1)
def paths() -> tuple[str, ...]:
    with (DATA / "labels.csv").open(encoding="utf-8") as file:
        return tuple(row["path"] for row in csv.DictReader(file))


def images() -> Iterator[Frame]:
    """Yield the images as a user's command reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old files' headers
        for path in paths():
            yield open_run(str(DATA / path))[0]
