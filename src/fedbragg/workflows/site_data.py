"""A site's labelled data, split in time: the first part trains, the last part evaluates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic

from fedbragg.config import SiteSettings
from fedbragg.errors import LabelError
from fedbragg.progress import Progress
from fedbragg.tasks.base import D, Task


@dataclass(frozen=True, slots=True, eq=False)
class SiteData(Generic[D]):
    """One site's labelled examples."""

    name: str
    train: D
    held_out: D  # the last in time, never trained on
    speed: float = 1.0  # of training, relative to the other sites
    share_style: bool = True  # whether other sites may get the style of its pictures
    largest_fall: float | None = None  # of the first metric, for it to accept a new model; None accepts any
    device: str = "cpu"  # where it trains, see learn/device.py


def read_site(
    task: Task[Any], site: SiteSettings, folder: Path, share: float, progress: Progress
) -> SiteData[Any]:
    """Read a site's examples and hold back the last ``share`` of them; raise LabelError where there are too few."""
    data = task.read(site, folder, progress)
    if len(data) < task.fewest:
        raise LabelError(
            f"site {site.name}: {len(data)} labelled {task.unit}s; label at least {task.fewest}."
        )
    parted = split(site.name, data, share, site.speed)
    return replace(parted, share_style=site.share_style, largest_fall=site.largest_fall, device=site.device)


def split(name: str, data: D, share: float, speed: float = 1.0) -> SiteData[D]:
    """Hold the last ``share`` back, never a random one: neighbours in time are near-copies."""
    cut = round(len(data) * (1 - share))
    return SiteData(name, data[:cut], data[cut:], speed)
