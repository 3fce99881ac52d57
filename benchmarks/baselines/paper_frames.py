"""Simulated frames with the labels of FedKL's 2,000, as crops for the networks and as peaks for spotnet.

Chunks of frames are simulated by several processes and kept in a folder. From all of them in order come the first
148 hits, 498 maybes and 1,354 misses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.paper_partitions import LABELS
from baselines.pictures import EDGE, FEDKL_CROP, SHIFT, eight_bit, picture
from fedbragg.files import written_whole
from fedbragg.simulation import BEAMLINES, simulate_run
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples, hit_example
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Frame, Label

SEED = 8100
CHUNK = 100
"""Frames that one process simulates at a time; each chunk is a short run with the drift of a whole one."""
WINDOW = FEDKL_CROP + 2 * SHIFT
"""Pixels along the centre of a frame that shifted crops reach."""
WANTED = {Label.HIT: 148, Label.MAYBE: 498, Label.MISS: 1354}
"""The expert's labels of CXIDB-76's set L498 (Ke et al. 2018)."""
Windows = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PaperFrames:
    """The frames' centres, for crops."""

    windows: Windows  # (2000, WINDOW / shrink, WINDOW / shrink)
    labels: NDArray[np.int64]  # (2000,) position in LABELS
    shrink: int  # pixels along an edge of which one is the mean


def simulate_chunk(number: int, folder: Path) -> None:
    """Simulate one chunk and keep the frames' centres, labels and peaks."""
    line, windows, examples = BEAMLINES["l498"], [], []
    for index, still in enumerate(simulate_run(line, CHUNK, SEED + number)):
        frame = Frame(still.counts, still.mask, "l498", index, beam_centre=line.detector.beam_centre)
        windows.append(centre(eight_bit(picture(frame))))
        examples.append(hit_example(frame, still.label, PrepareSettings()))
    peaks = from_examples(examples)
    labels = np.array([LABELS.index(example.label) for example in examples])
    with written_whole(chunk_path(folder, number)) as fresh, fresh.open("wb") as file:
        np.savez(
            file,
            windows=np.stack(windows),
            labels=labels,
            measures=peaks.measures.numpy(),
            first=peaks.first.numpy(),
        )


def chunk_path(folder: Path, number: int) -> Path:
    return folder / f"chunk-{number:02}.npz"


def centre(image: Windows) -> Windows:
    """Return the window in the middle of a picture (960, 960)."""
    start = (EDGE - WINDOW) // 2
    return image[start : start + WINDOW, start : start + WINDOW]


def shrunk(windows: Windows, shrink: int) -> Windows:
    """Return means over ``shrink`` x ``shrink`` pixels, rounded; the edge must be a multiple."""
    frames, edge = len(windows), windows.shape[1] // shrink
    blocks = windows.reshape(frames, edge, shrink, edge, shrink)
    return np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)


def first_of_each(labels: NDArray[np.int64], wanted: Mapping[Label, int] = WANTED) -> NDArray[np.int64]:
    """Return the positions of the first frames of each label, in order; raise ValueError where there are too few."""
    found = []
    for label, number in wanted.items():
        places = np.flatnonzero(labels == LABELS.index(label))
        if len(places) < number:
            raise ValueError(f"{len(places)} of {number} frames with label {label}; simulate more chunks")
        found.append(places[:number])
    return np.sort(np.concatenate(found))


def paper_frames(folder: Path, shrink: int) -> PaperFrames:
    """Read the frames, from one packed file once that is written."""
    packed = folder / f"frames-{shrink}.npz"
    if not packed.exists():
        labels = np.concatenate([arrays["labels"] for arrays in _chunks(folder, ["labels"])])
        windows = np.concatenate([shrunk(a["windows"], shrink) for a in _chunks(folder, ["windows"])])
        chosen = first_of_each(labels)
        with written_whole(packed) as fresh, fresh.open("wb") as file:
            np.savez(file, windows=windows[chosen], labels=labels[chosen])
    with np.load(packed) as stored:
        return PaperFrames(stored["windows"], stored["labels"], shrink)


def paper_peaks(folder: Path) -> tuple[HitData, NDArray[np.int64]]:
    """Read the same frames' peaks, with spots unknown, and their labels (2000,)."""
    packed = folder / "peaks.npz"
    if not packed.exists():
        labels = np.concatenate([arrays["labels"] for arrays in _chunks(folder, ["labels"])])
        examples = [
            example
            for arrays in _chunks(folder, ["measures", "first", "labels"])
            for example in _examples(arrays)
        ]
        chosen = first_of_each(labels)
        data = from_examples(examples[i] for i in chosen)
        with written_whole(packed) as fresh, fresh.open("wb") as file:
            np.savez(file, measures=data.measures.numpy(), first=data.first.numpy(), labels=labels[chosen])
    with np.load(packed) as stored:
        measures, first = torch.from_numpy(stored["measures"]), torch.from_numpy(stored["first"])
        labels = stored["labels"]
    hits = torch.from_numpy(np.array([float(LABELS[label].positive) for label in labels], dtype=np.float32))
    return HitData(measures, first, hits, torch.full((len(measures),), -1.0)), labels


def _chunks(folder: Path, names: Sequence[str]) -> list[dict[str, NDArray[np.generic]]]:
    chunks = []
    for path in sorted(folder.glob("chunk-*.npz")):
        with np.load(path) as stored:
            chunks.append({name: stored[name] for name in names})
    return chunks


def _examples(arrays: Mapping[str, NDArray[np.generic]]) -> list[HitExample]:
    measures, first, labels = torch.from_numpy(arrays["measures"]), arrays["first"], arrays["labels"]
    return [
        HitExample(
            measures[int(first[i]) : int(first[i + 1])],
            LABELS[int(label)],
            torch.full((int(first[i + 1] - first[i]),), -1.0),
        )
        for i, label in enumerate(labels)
    ]
