"""Measure what turning a frame into a View costs, beside what reading the same bytes once costs in numpy.

Run by itself for the table: ``.venv/bin/python benchmarks/prepare.py [--model model.onnx]``. Before each call the
counts are written into the same buffer, as a decoder does, so that all find them where decoded counts are. Preparing is
timed twice: frame after frame with scoring between, as screening does it, and by turns with the numpy ways, of which
one sweeps tens of megabytes through the caches before each frame. Timed is the CPU time of all threads together, which
is the time on one core of a machine with nothing else to do: a shared one takes its core away in the middle of a frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare
from fedbragg.types import Frame, Label
from harness import Table, publish

SIZES = ((2167, 2070), (4371, 4150))
DTYPES = ("uint16", "uint32", "int32")
BACKGROUNDS = (0.03, 5.0, 100.0)  # photons a pixel
WANTED = 4.0  # ms at 2167 x 2070 uint16
COLUMNS = (
    "size", "dtype", "frame", "prepare, best", "prepare, median", "after a cache sweep, median", "numpy max, best",
    "numpy max, median", "numpy block max, median", "scoring, median",
)  # fmt: skip


def main() -> None:
    options = _options()
    scorer = Scorer(options.model or default_model())
    rows = [
        [f"{size[0]} x {size[1]}", dtype, name, *_measured(_as(frame, dtype), scorer, options.repeats)]
        for size in SIZES
        for name, frame in _frames(size)
        for dtype in DTYPES
    ]
    slowest = max(row[4] for row in rows if row[:2] == ["2167 x 2070", "uint16"])
    notes = (
        f"CPU milliseconds a frame, all threads together; {options.repeats} calls of each way, each on counts just "
        "written into the buffer: preparing and scoring by turns, as screening does, and preparing by turns with the "
        "numpy ways, which sweep the caches before it. The gaps of the Eiger are masked in every frame.",
        "numpy max: `counts.max()`, one read of the bytes and no mask. numpy block max: the maximum of 8 x 8 pixels by "
        "reshape, no mask, no background, no significance. Scoring: the model file in ONNX Runtime, one thread.",
        f"Wanted: at most {WANTED:g} ms at 2167 x 2070 uint16; the slowest median of these rows is {slowest:.1f} ms.",
    )
    publish("prepare", [Table("What does it cost to prepare a frame?", COLUMNS, rows, notes)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="model file; the packaged one unless given")
    parser.add_argument("--repeats", type=int, default=25)
    return parser.parse_args()


def _frames(size: tuple[int, int]) -> Iterator[tuple[str, Frame]]:
    """Yield flat backgrounds with an Eiger's gaps, and a simulated hit of its beamline."""
    line = reduced(BEAMLINES["eiger16m"], *size)
    crystals = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=0.0))
    still = next(still for still in simulate_run(crystals, 20, seed=1) if still.label is Label.HIT)
    generator = np.random.default_rng(0)
    for level in BACKGROUNDS:
        counts = generator.poisson(level, size).astype(still.counts.dtype)
        counts[still.mask] = line.detector.gap_value
        yield f"{level:g} photons a pixel", Frame(counts, still.mask, "flat", 0)
    yield (
        f"hit, {sum(spot.significance > 6 for spot in still.spots)} spots",
        Frame(still.counts, still.mask, "hit", 0),
    )


def _as(frame: Frame, dtype: str) -> Frame:
    """Return the frame as a detector of another type writes it, its gap value included."""
    counts = frame.counts.astype(dtype)
    counts[frame.mask] = -1 if dtype == "int32" else np.iinfo(dtype).max
    return replace(frame, counts=counts)


def _measured(frame: Frame, scorer: Scorer, repeats: int) -> list[float]:
    """Return milliseconds in the order of the columns."""
    settings = scorer.card.prepare
    view = prepare(frame, settings)

    def ours(decoded: Frame) -> Any:
        return prepare(decoded, settings)

    screened, scoring = _by_turns(frame, [ours, lambda decoded: scorer(view)], repeats)
    swept, read, reduced_by_numpy = _by_turns(
        frame,
        [ours, lambda decoded: decoded.counts.max(), lambda decoded: _block_max(decoded, settings)],
        repeats,
    )
    figures = (min(screened), median(screened), median(swept), min(read), median(read))
    return [round(figure, 2) for figure in (*figures, median(reduced_by_numpy), median(scoring))]


def _by_turns(frame: Frame, ways: Sequence[Callable[[Frame], Any]], repeats: int) -> list[list[float]]:
    """Return the CPU milliseconds of each way's calls, but for the first, which warms up."""
    decoded = replace(frame, counts=np.empty_like(frame.counts))
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats + 1):
        for way, milliseconds in zip(ways, taken, strict=True):
            np.copyto(decoded.counts, frame.counts)
            start = time.process_time()
            way(decoded)
            milliseconds.append(1e3 * (time.process_time() - start))
    return [milliseconds[1:] for milliseconds in taken]


def _block_max(frame: Frame, settings: PrepareSettings) -> Any:
    block = settings.block
    rows, cols = (size // block * block for size in frame.counts.shape)
    return frame.counts[:rows, :cols].reshape(rows // block, block, cols // block, block).max(axis=(1, 3))


if __name__ == "__main__":
    main()
