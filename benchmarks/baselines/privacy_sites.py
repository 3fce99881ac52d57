"""The five named facilities for the studies of privacy: a pool of prepared frames each, and sites drawn from the pools.

Simulating takes longest, so it is done once and kept in a folder. Each seed draws its own sites: no frame of a site's
training is in its test. Every simulated frame shows another crystal, so a unit is a frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from fedbragg.config import SiteSettings
from fedbragg.files import write_whole
from fedbragg.progress import SILENT
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import PUBLIC_FRAMES, HitsTask
from fedbragg.types import State
from fedbragg.workflows.facilities import RUN, SITES, write_facility
from fedbragg.workflows.simulate import LABELS

FOLDER = Path(gettempdir()) / "fedbragg-privacy"
POOL = 400
"""Frames in the pool of each facility."""
POOL_HITS = (0.27, 0.13)
"""Shares of hits and maybes in a pool, so that sites with any share can be drawn from it."""
TEST = 80
"""Frames on which a site's models are tested, half of them hits or maybes."""
MOST_TRAINING = 160
TASK = HitsTask(HitsSettings(public_frames=PUBLIC_FRAMES), PrepareSettings())
NAMES = tuple(site.name for site in SITES)


@dataclass(frozen=True)
class Pools:
    """Frames of every facility, and the model that all training starts from."""

    frames: Mapping[str, HitData]
    start: State


@dataclass(frozen=True)
class DrawnSite:
    """One site of one seed."""

    name: str
    train: HitData
    test: HitData


@cache
def pools(folder: Path = FOLDER) -> Pools:
    """Simulate and prepare the pools, or read those on disk."""
    frames = {}
    for number, site in enumerate(SITES):
        path = folder / f"{site.name}.npz"
        if not path.exists():
            own = folder / site.name
            own.mkdir(parents=True, exist_ok=True)
            facility = replace(site, hits=POOL_HITS, frames=POOL)
            write_facility(facility, own, 700 + number, lambda *_: None)
            data = TASK.read(SiteSettings(name=site.name, runs=(RUN,), labels=LABELS), own, SILENT)
            np.savez(
                path, **{name: getattr(data, name).numpy() for name in ("measures", "first", "hit", "spots")}
            )
            (own / RUN).unlink()
        with np.load(path) as file:
            tensors = [torch.from_numpy(file[name]) for name in ("measures", "first", "hit", "spots")]
        frames[site.name] = HitData(*tensors, torch.arange(len(tensors[2])))
    return Pools(frames, _start(folder / "start.safetensors"))


def drawn_sites(found: Pools, seed: int) -> list[DrawnSite]:
    """Return the five facilities with their own numbers of frames and shares of hits."""
    sites = []
    for position, facility in enumerate(SITES):
        draw = np.random.default_rng([seed, position])
        data = found.frames[facility.name]
        hits, misses = shuffled(data, draw)
        count = min(facility.frames, MOST_TRAINING)
        of_hits = max(4, round(count * sum(facility.hits)))
        test = np.concatenate([hits[: TEST // 2], misses[: TEST // 2]])
        train = np.concatenate([hits[TEST // 2 :][:of_hits], misses[TEST // 2 :][: count - of_hits]])
        sites.append(DrawnSite(facility.name, chosen(data, draw.permutation(train)), chosen(data, test)))
    return sites


def kept(name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a result from the folder, measured if missing, so that an interrupted study can resume."""
    path = FOLDER / "results" / f"{name.replace(' ', '-')}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_whole(path, json.dumps(measure()))
    return dict(json.loads(path.read_text(encoding="utf-8")))


def shuffled(data: HitData, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of hits or maybes, and of misses, each in random order."""
    hit = data.hit.numpy() > 0
    return draw.permutation(np.flatnonzero(hit)), draw.permutation(np.flatnonzero(~hit))


def chosen(data: HitData, frames: np.ndarray) -> HitData:
    """Return some frames, each a unit of its own."""
    spans = [np.arange(int(data.first[i]), int(data.first[i + 1])) for i in frames]
    peaks = torch.from_numpy(np.concatenate(spans))
    first = torch.from_numpy(np.cumsum([0, *map(len, spans)]))
    units = torch.arange(len(frames))
    return HitData(data.measures[peaks], first, data.hit[torch.from_numpy(frames)], data.spots[peaks], units)


def _start(path: Path) -> State:
    if not path.exists():
        save_file(dict(TASK.start_model(7, SILENT)), path)
    return load_file(path)


if __name__ == "__main__":
    pools()
