"""Facilities that may join a federation: five named ones, each with artefacts of its own, and some drawn at random.

Frames are simulated once, reduced to their peaks, and kept in a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.anywhere import anywhere
from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.tasks.hits.data import HitData, from_examples, hit_example
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Frame

TROUBLES = {
    "l498": ("ice", "streak"),
    "lg36": ("cosmic-rays", "shadow"),
    "ln83": ("powder", "grains"),
    "ln84": ("image-plate", "edges"),
    "lo19": ("salt", "saxs"),
}
"""The named facilities, and the artefacts of their misses besides blank ones; no two have the same."""
EDGE = 960
"""Pixels along a detector at most, to keep the simulation short."""
POOL, TEST = 300, 120
"""Frames that a facility may label, and frames that judge, simulated separately."""
SEED = 7300


@dataclass(frozen=True, slots=True, eq=False)
class Facility:
    """One facility: frames to label, frames of the same kind to judge by, and frames with the others' artefacts."""

    name: str
    pool: HitData
    test: HitData
    strange: HitData | None  # None where its own misses show everything
    strange_kinds: NDArray[np.str_]  # (frames,) the artefact of each of those


def facilities(random: int, folder: Path) -> list[Facility]:
    """Return the five named facilities and some drawn at random; simulate those that ``folder`` lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    named = [_named(name) for name in TROUBLES]
    drawn = [_drawn(number) for number in range(random)]
    return [_facility(line, number, folder) for number, line in enumerate([*named, *drawn])]


def _named(name: str) -> Beamline:
    line = _small(BEAMLINES[name])
    return replace(line, mix=replace(line.mix, misses=_even(("blank", *TROUBLES[name]))))


def _drawn(number: int) -> Beamline:
    line = anywhere(np.random.default_rng([SEED, number]), number)
    return replace(_small(line), name=f"anywhere-{number}")


def _small(line: Beamline) -> Beamline:
    return reduced(line, min(EDGE, line.detector.rows), min(EDGE, line.detector.cols))


def _even(kinds: Sequence[str]) -> tuple[tuple[str, float], ...]:
    return tuple((kind, 1.0) for kind in kinds)


def _facility(line: Beamline, number: int, folder: Path) -> Facility:
    path, seed = folder / f"{line.name}.npz", SEED + 10 * number
    if not path.exists():
        parts = {"pool": _frames(line, POOL, seed), "test": _frames(line, TEST, seed + 1)}
        if line.name in TROUBLES:
            others = [kind for name, kinds in TROUBLES.items() if name != line.name for kind in kinds]
            strange = replace(line, mix=replace(line.mix, misses=_even(others)))
            parts["strange"] = _frames(strange, TEST, seed + 2)
        np.savez_compressed(
            path, **{f"{p}.{key}": a for p, arrays in parts.items() for key, a in arrays.items()}
        )
    with np.load(path) as stored:
        arrays = {key: stored[key] for key in stored.files}
    strange_data = _data(arrays, "strange") if "strange.first" in arrays else None
    kinds = arrays.get("strange.kinds", np.array([], dtype=np.str_))
    return Facility(line.name, _data(arrays, "pool"), _data(arrays, "test"), strange_data, kinds)


def _frames(line: Beamline, frames: int, seed: int) -> dict[str, NDArray[np.generic]]:
    examples, kinds = [], []
    for index, still in enumerate(simulate_run(line, frames, seed)):
        frame = Frame(still.counts, still.mask, line.name, index, beam_centre=line.detector.beam_centre)
        examples.append(hit_example(frame, still.label, PrepareSettings()))
        kinds.append(still.kind)
    data = from_examples(examples)
    arrays = {"measures": data.measures.numpy(), "first": data.first.numpy(), "hit": data.hit.numpy()}
    return {**arrays, "kinds": np.array(kinds)}


def _data(arrays: dict[str, NDArray[np.generic]], part: str) -> HitData:
    measures, first, hit = (torch.from_numpy(arrays[f"{part}.{key}"]) for key in ("measures", "first", "hit"))
    return HitData(measures, first, hit, torch.full((len(measures),), -1.0))


def chosen(data: HitData, number: int, generator: np.random.Generator) -> HitData:
    """Return some frames drawn at random, in the order in which they were taken."""
    return frames_of(data, np.sort(generator.permutation(len(data))[:number]))


def frames_of(data: HitData, frames: NDArray[np.int64]) -> HitData:
    """Return the frames at these positions, in this order."""
    spans = [torch.arange(int(data.first[i]), int(data.first[i + 1])) for i in frames]
    peaks = torch.cat(spans) if spans else torch.arange(0)
    lengths = torch.tensor([0, *(len(span) for span in spans)])
    index = torch.from_numpy(frames)
    return HitData(data.measures[peaks], torch.cumsum(lengths, dim=0), data.hit[index], data.spots[peaks])
