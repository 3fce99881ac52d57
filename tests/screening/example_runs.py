"""Runs whose hits are known: flat frames with bright squares on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import fabio.cbfimage
import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from fedbragg.images import open_run, write_run
from fedbragg.screening.checkpoint import Checkpoint, Identity, digest_of_files
from fedbragg.screening.judge import FrameScorer, Judge
from fedbragg.screening.session import Outcome, Session, screen_to_folder
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Geometry, Run, View

GEOMETRY = Geometry("made for a test", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))
PLACES = [(12 + 16 * row, 12 + 16 * col) for row in range(4) for col in range(5)]
"""Row and column of the centres of the squares, in a frame of 72 x 90."""
SHAPE = (72, 90)


def counts_of(index: int, spots: int, dtype: str = "uint16") -> NDArray[np.integer]:
    counts = np.random.default_rng(index).poisson(2, SHAPE).astype(dtype)
    for row, col in PLACES[:spots]:
        counts[row - 1 : row + 2, col - 1 : col + 2] += 40
        counts[row, col] += 60
    return counts


def number_of_spots(index: int) -> int:
    """Every third frame has spots: 8 to 14 of them."""
    return 8 + index % 7 if index % 3 == 1 else 0


def hits_among(frames: int) -> list[int]:
    return [index for index in range(frames) if number_of_spots(index)]


def some_counts(frames: int, dtype: str = "uint16") -> Iterator[NDArray[np.integer]]:
    return (counts_of(index, number_of_spots(index), dtype) for index in range(frames))


def gap_mask() -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, np.bool_)
    mask[:, 88:] = True
    return mask


def nxmx_run(path: Path, frames: int, dtype: str = "uint16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_run(path, some_counts(frames, dtype), geometry=GEOMETRY, mask=gap_mask(), saturation=60000)
    return path


def eiger_run(folder: Path, lengths: list[int]) -> Path:
    """A master file with its data files, as DECTRIS writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = list(some_counts(sum(lengths), "uint32"))
    with h5py.File(folder / "x_master.h5", "w") as master:
        data = master.create_group("entry/data")
        detector = master.create_group("entry/instrument/detector")
        detector["beam_center_x"], detector["beam_center_y"] = 35.5, 20.25
        detector["x_pixel_size"] = detector["y_pixel_size"] = 75e-6
        detector["detector_distance"] = 0.175
        detector["pixel_mask"] = gap_mask().astype(np.uint32)
        master["entry/instrument/beam/incident_wavelength"] = 0.9763
        master["entry/sample/goniometer/omega"] = np.arange(sum(lengths), dtype=np.float64)
        start = 0
        for number, length in enumerate(lengths, 1):
            name = f"x_data_{number:06}.h5"
            with h5py.File(folder / name, "w") as file:
                file.create_dataset(
                    "entry/data/data",
                    data=np.stack(counts[start : start + length]),
                    chunks=(1, *SHAPE),
                    **hdf5plugin.Bitshuffle(),
                )
            data[f"data_{number:06}"] = h5py.ExternalLink(name, "entry/data/data")
            start += length
    return folder / "x_master.h5"


def cbf_run(folder: Path, frames: int) -> list[Path]:
    """One file a frame, int32."""
    files = [folder / f"shot_{index}.cbf" for index in range(frames)]
    for index, file in enumerate(files):
        fabio.cbfimage.CbfImage(data=counts_of(index, number_of_spots(index), "int32")).write(str(file))
    return files


def count_peaks(view: View) -> tuple[float, NDArray[np.float32]]:
    """Score a frame by its cells with a significant peak: a twentieth each."""
    found = (view.channels[0] > 2.5).astype(np.float32)
    return min(1.0, float(found.sum()) / 20), found


def empty_checkpoint(run: Run, files: list[str], *, spots: bool = True) -> Checkpoint:
    return Checkpoint(Identity(digest_of_files(files), len(run), "count_peaks", 0.3, spots, fail_safe=True))


PEAK_JUDGE = Judge(FrameScorer(count_peaks, PrepareSettings(), list_spots=True), 0.3)
"""Keeps every frame with at least six such cells."""


def screen(files: list[Path], folder: Path) -> tuple[Run, Outcome]:
    """Screen files into a folder with `PEAK_JUDGE`."""
    run = open_run(files)
    session = Session(folder, 2, empty_checkpoint(run, list(map(str, files))))
    return run, screen_to_folder(run, PEAK_JUDGE, session, lambda: None)


def interrupt_after(frames: int | None) -> Callable[[], None]:
    """Return a step that sends this process a SIGINT at its call number ``frames``; None is never."""
    calls = [0]

    def step() -> None:
        calls[0] += 1
        if calls[0] == frames:
            os.kill(os.getpid(), signal.SIGINT)

    return step
