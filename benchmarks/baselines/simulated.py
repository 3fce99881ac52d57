"""The simulated frames that all networks are trained on: every beamline, every artefact, whole detectors.

Every fourth frame is held out: these frames test the trainings, and set the spot counts' thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from baselines.counters import CountSpots
from baselines.pictures import EDGE, picture
from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.simulation.still import Still
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples, hit_example
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare
from fedbragg.types import Frame, Label, View

SEED = 400
"""Not the packaged model's: held-out frames are new to it as well."""
LARGEST = 2600  # pixels: of an Eiger 16M the middle
LABELS = tuple(Label)


@dataclass(frozen=True)
class Simulated:
    """Frames in the form each method takes."""

    pictures: NDArray[np.uint16]  # (frames, 960, 960), on disk
    labels: NDArray[np.int64]  # (frames,) position in LABELS
    counts: dict[str, NDArray[np.int64]]  # (held-out frames,) spots by each finder
    peaks: HitData
    views: Path  # folder with the held-out frames' Views

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Return which frames (frames,) are held out of training."""
        return np.arange(len(self.labels)) % 4 == 3

    @property
    def held_out_positive(self) -> NDArray[np.bool_]:
        """Return which held-out frames are hit or maybe."""
        return np.array([LABELS[i].positive for i in self.labels[self.held_out]])

    def training_frames(self, labels: tuple[Label, ...]) -> NDArray[np.int64]:
        """Return the positions of the frames with one of the labels that may be trained on."""
        wanted = np.isin(self.labels, [LABELS.index(label) for label in labels])
        return np.flatnonzero(wanted & ~self.held_out)

    def training_peaks(self) -> HitData:
        """Return the peaks of the frames that may be trained on."""
        data, kinds = self.peaks, [Label.MISS, Label.HIT]
        chosen = np.flatnonzero(~self.held_out)
        spans = [slice(int(data.first[i]), int(data.first[i + 1])) for i in chosen]
        hits = data.hit[torch.from_numpy(chosen)]
        return from_examples(
            HitExample(data.measures[span], kinds[int(hit)], data.spots[span])
            for span, hit in zip(spans, hits, strict=True)
        )

    def scores(self, scorer: Scorer) -> NDArray[np.float64]:
        """Return a model file's scores of the held-out frames."""
        return np.array([scorer(_view_in(path))[0] for path in sorted(self.views.glob("*.npz"))])


def simulated(
    frames: int, folder: Path, counters: dict[str, CountSpots], tick: Callable[[], None]
) -> Simulated:
    """Simulate, or read what was simulated before."""
    if not (folder / "rest.npz").exists():
        _simulate(frames, folder, counters, tick)
    with np.load(folder / "rest.npz") as file:
        rest = dict(file)
    peaks = HitData(*(torch.from_numpy(rest.pop(name)) for name in ("measures", "first", "hit", "spots")))
    labels = rest.pop("labels")
    return Simulated(np.load(folder / "pictures.npy", mmap_mode="r"), labels, rest, peaks, folder / "views")


def _simulate(frames: int, folder: Path, counters: dict[str, CountSpots], tick: Callable[[], None]) -> None:
    (folder / "views").mkdir(parents=True, exist_ok=True)
    pictures = open_memmap(folder / "pictures.npy", "w+", np.uint16, (frames, EDGE, EDGE))
    labels, examples = [], []
    counts: dict[str, list[int]] = {name: [] for name in counters}
    for position, (name, still) in enumerate(_stills(frames)):
        frame = Frame(still.counts, still.mask, name, position)
        pictures[position] = picture(frame)
        labels.append(LABELS.index(still.label))
        examples.append(hit_example(frame, still.label, PrepareSettings(), still.spots))
        if position % 4 == 3:
            view = prepare(frame, PrepareSettings())
            parts = {field.name: getattr(view, field.name) for field in fields(View)}
            np.savez(folder / "views" / f"{position:06}.npz", **parts)
            detector = _line(name).detector
            for finder, count_spots in counters.items():
                counts[finder].append(count_spots(frame, detector.beam_centre, detector.gain)[0])
        tick()
    peaks = from_examples(examples)
    tensors = {name: getattr(peaks, name).numpy() for name in ("measures", "first", "hit", "spots")}
    rest = {name: np.array(values) for name, values in counts.items()}
    np.savez(
        folder / "rest.npz", labels=np.array(labels), **tensors, **rest
    )  # last: it marks the rest as complete


def _view_in(path: Path) -> View:
    with np.load(path) as file:
        return View(**{name: file[name] for name in file if name != "block"}, block=int(file["block"]))


def _stills(frames: int) -> Iterator[tuple[str, Still]]:
    shares = [len(part) for part in np.array_split(np.arange(frames), len(BEAMLINES))]
    for number, (name, share) in enumerate(zip(BEAMLINES, shares, strict=True)):
        for still in simulate_run(_line(name), share, SEED + number, workers=2):
            yield name, still


def _line(name: str) -> Beamline:
    line = BEAMLINES[name]
    mix = replace(line.mix, misses=tuple((kind, 1.0) for kind in ARTEFACTS))
    rows, cols = (min(size, LARGEST) for size in (line.detector.rows, line.detector.cols))
    return reduced(replace(line, mix=mix), rows, cols)
