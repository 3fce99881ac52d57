"""A site's labelled data, parted in time: the first train, the last judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from fedbragg.config import SiteSettings
from fedbragg.errors import LabelError
from fedbragg.progress import Progress
from fedbragg.tasks.base import D, Task

FEWEST = 10
"""Labelled examples without which a site has nothing to train on and nothing to judge by."""


@dataclass(frozen=True, slots=True, eq=False)
class SiteData(Generic[D]):
    """One site's labelled examples."""

    name: str
    train: D
    held_out: D  # the last in time; they never train
    speed: float = 1.0  # of training, relative to the other sites


def read_site(
    task: Task[Any], site: SiteSettings, folder: Path, share: float, progress: Progress
) -> SiteData[Any]:
    """Read a site's examples and hold back the last ``share`` of them; raise LabelError where there are too few."""
    return split(site.name, task.read(site, folder, progress), share, site.speed)


def split(name: str, data: D, share: float, speed: float = 1.0) -> SiteData[D]:
    """Hold the last ``share`` back, never a random one: neighbours in time are near-copies."""
    if len(data) < FEWEST:
        raise LabelError(f"site {name}: {len(data)} labelled examples; label at least {FEWEST}.")
    cut = round(len(data) * (1 - share))
    return SiteData(name, data[:cut], data[cut:], speed)
