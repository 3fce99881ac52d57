"""Simulate a run and write it with its labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from fedbragg.images import write_labels, write_run
from fedbragg.progress import Step
from fedbragg.simulation import Beamline, simulate_run
from fedbragg.types import Counts, Label

LABELS = "labels.csv"


def write_simulated_run(
    facility: Beamline, path: Path, frames: int, seed: int, workers: int, step: Step
) -> list[Label]:
    """Write a run as HDF5 and labels.csv beside it; return the labels in order. Positions of spots are not written."""
    labels: list[Label] = []
    stills = iter(simulate_run(facility, frames, seed, workers))
    first = next(stills)

    def counts() -> Iterator[Counts]:
        for still in chain([first], stills):
            labels.append(still.label)
            step()
            yield still.counts

    path.parent.mkdir(parents=True, exist_ok=True)
    saturation = facility.detector.saturation
    write_run(path, counts(), geometry=facility.geometry, mask=first.mask, saturation=saturation)
    write_labels(path.parent / LABELS, ((path.name, index, label) for index, label in enumerate(labels)))
    return labels
