"""Images to judge healing by: simulated ones with real masks, and measured ones with more gaps."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.image import imread
from numpy.typing import NDArray

from fedbragg.errors import FrameError, RunError
from fedbragg.images import open_run
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.layouts import LAYOUTS, gap_mask
from fedbragg.tasks.tags.healing.healed import GappedImage, gapped
from fedbragg.tasks.tags.healing.known_gaps import known_gaps
from fedbragg.tasks.tags.healing.simulated import known_image
from fedbragg.tasks.tags.healing.symmetry.defects import defects

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "tags"
JUDGING = 1092
"""Entropy of the judging experiments; the network's training has another."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Hidden:
    """An image with pixels hidden from healing."""

    name: str
    group: str  # "small angle", "wide angle", "grazing"
    image: GappedImage
    judged: Mask  # (rows, cols) hidden or unmeasured pixels whose truth is known
    counts: NDArray[np.float32]  # (rows, cols) measured
    measured: Mask  # (rows, cols) where counts were measured before anything was hidden
    expected: NDArray[np.float32] | None  # (rows, cols) without noise; None for real images
    beam: tuple[float, float] | None  # pixel, (column, row)


def simulated(seed: int, each: int, longest: int) -> Iterator[Hidden]:
    """Yield ``each`` images of every regime, every one of another experiment, with a real mask over it."""
    masks = real_masks()
    wanted = {"small angle": each, "wide angle": each, "grazing": each}
    for number, child in enumerate(np.random.SeedSequence([seed, JUDGING]).spawn(20 * each)):
        experiment = draw_experiment(ANY_INSTRUMENT, longest, child)
        if wanted[experiment.regime] == 0:
            continue
        wanted[experiment.regime] -= 1
        known = known_image(experiment, child.spawn(1)[0])
        name, mask = masks[(seed + 5 * number) % len(masks)]
        gap = _fitted(mask, known.counts.shape)
        left = known.measured & ~gap
        if left.mean() < 0.2:
            continue
        yield Hidden(
            f"{number} {name}",
            experiment.regime,
            GappedImage(np.where(left, known.counts, np.float32(0)), left),
            gap & known.true,
            known.counts,
            known.measured & ~defects(known.counts, known.measured),
            known.expected,
            known.centre,
        )


def real_masks() -> list[tuple[str, Mask]]:
    """Return detectors' masks (rows, cols), True = gap: real ones where the data are there, else the simulator's."""
    files = sorted((DATA / "masks").glob("*.png"))
    if not files:
        return [(layout.name, gap_mask(layout, 1024)) for layout in LAYOUTS if gap_mask(layout, 1024).any()]
    return [(file.stem, _white_is_good(file)) for file in files]


def _white_is_good(file: Path) -> Mask:
    pixels = np.asarray(imread(file))
    return (pixels if pixels.ndim == 2 else pixels[..., :3].mean(axis=2)) < 0.5


def _fitted(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Return a mask at another size; narrow gaps stay, because each pixel takes the nearest of the mask's."""
    rows, cols = (np.arange(size) * old // size for size, old in zip(shape, mask.shape, strict=True))
    return mask[rows][:, cols]


SMALL_ANGLE = (
    "biocat-pilatus1m",
    "als733-pilatus1m",
    "autosaxs-pilatus1m",
    "aps15id-marccd",
    "aps8ide-pilatus1mf/AgBe",
)
"""Small-angle transmission images, by folder or file; those called grazing in labels.csv are grazing, the rest wide."""


def measured(seed: int) -> Iterator[Hidden]:
    """Yield every real image that can be read, with bars as between modules laid over measured pixels."""
    with (DATA / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        try:
            frame = open_run(DATA / row["path"])[0]
            image = gapped(frame, known_gaps(frame))
        except (FrameError, RunError):
            continue
        bars = module_bars(image.counts.shape, np.random.default_rng([seed, number]))
        left = image.measured & ~bars
        whole = image.measured & ~defects(image.counts, image.measured)
        hidden = GappedImage(np.where(left, image.counts, np.float32(0)), left)
        yield Hidden(row["path"], _group(row), hidden, bars & whole, image.counts, whole, None, None)


def _group(row: dict[str, str]) -> str:
    if row["grazing_incidence"] == "1":
        return "grazing"
    return "small angle" if row["path"].startswith(SMALL_ANGLE) else "wide angle"


def module_bars(shape: tuple[int, ...], generator: np.random.Generator) -> Mask:
    """Return (rows, cols): bars of 17 rows and 7 columns, a Pilatus' gaps, at drawn places."""
    bars = np.zeros(shape, np.bool_)
    for axis, (width, period) in enumerate(((17, 212), (7, 494))):
        for first in range(int(generator.integers(20, period // 2)), shape[axis] - width - 10, period):
            bars[
                (slice(first, first + width),) if axis == 0 else (slice(None), slice(first, first + width))
            ] = True
    return bars
