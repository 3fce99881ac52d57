"""Conditions under which tags are judged: noise, gaps, rotation, the beam at an edge, half a detector."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.scattering.experiment import (
    ANY_INSTRUMENT,
    Experiment,
    draw_experiment,
    with_beam_at,
)
from fedbragg.simulation.scattering.image import ScatteringImage, Setup, set_up, simulate_image
from fedbragg.simulation.scattering.instrument import Fixtures, Readout
from fedbragg.simulation.scattering.layouts import Layout

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tags"
SIDE = 256
ONE_PIECE = Layout("one piece", SIDE, SIDE, 172e-6)
UNSEEN = 770_000
"""Experiments from this seed on only judge; training draws from others."""
GAUSSIAN, SPECKS = 0.05, 0.02
"""Noise on the logarithm (standard deviation, as a share of its range); share of pixels set to 0 or the maximum."""


@dataclass(frozen=True)
class Case:
    """One image to judge with."""

    counts: NDArray[np.float32]
    mask: NDArray[np.bool_]
    tags: NDArray[np.int8]


Change = Callable[[Experiment, np.random.SeedSequence], Case]


def cases(change: Change, experiments: int, images: int) -> Iterator[Case]:
    """Yield images of unseen experiments under one condition; the scenes are the same under all of them."""
    instrument = replace(ANY_INSTRUMENT, layouts=(ONE_PIECE,), any_layout=0.0)
    for index in range(experiments):
        experiment = draw_experiment(instrument, SIDE, np.random.SeedSequence([UNSEEN, index]))
        for child in np.random.SeedSequence([UNSEEN, index, 1]).spawn(images):
            yield change(experiment, child)


def clean(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    """Take an image by a perfect photon counter of one piece: its own counting noise, nothing else."""
    return _case(simulate_image(_perfect(experiment), seed))


def gaussian(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    case = clean(experiment, seed)
    logs = np.log1p(case.counts)
    noise = np.random.default_rng(seed).normal(0, GAUSSIAN * np.ptp(logs), logs.shape)
    return replace(case, counts=np.expm1(np.maximum(logs + noise, 0)).astype(np.float32))


def salt_and_pepper(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    case = clean(experiment, seed)
    chance = np.random.default_rng(seed).random(case.counts.shape)
    counts = np.where(chance < SPECKS / 2, 0, case.counts)
    return replace(case, counts=np.where(chance > 1 - SPECKS / 2, counts.max(), counts))


def photons(mean: float) -> Change:
    """Return a change of exposure to a mean number of photons a pixel; tags that can no longer be seen are removed."""

    def change(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
        steady = replace(experiment, spread=0.0)
        usual = simulate_image(_perfect(steady), seed)
        factor = mean / max(float(usual.expected.mean()), 1e-9)
        return _case(simulate_image(_perfect(replace(steady, peak_counts=steady.peak_counts * factor)), seed))

    return change


def gaps(mask: NDArray[np.bool_]) -> Change:
    """Return a detector with the gaps of a mask; tags that they hide are removed."""

    def change(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
        perfect = _perfect(experiment)
        return _case(simulate_image(replace(perfect, gap=mask, mask=perfect.mask | mask), seed))

    return change


def half_off(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    generator = np.random.default_rng(seed)
    mask = np.zeros((SIDE, SIDE), bool)
    half = np.s_[: SIDE // 2] if generator.random() < 0.5 else np.s_[SIDE // 2 :]
    if generator.random() < 0.5:
        mask[half] = True
    else:
        mask[:, half] = True
    return gaps(mask)(experiment, seed)


def rotated(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    """Turn an image by any angle, nearest pixel; the corners that come in were not measured."""
    case, angle = clean(experiment, seed), np.random.default_rng(seed).uniform(0, 2 * np.pi)
    y, x = np.indices(case.counts.shape) - (SIDE - 1) / 2
    row = np.rint(np.cos(angle) * y - np.sin(angle) * x + (SIDE - 1) / 2).astype(int)
    col = np.rint(np.sin(angle) * y + np.cos(angle) * x + (SIDE - 1) / 2).astype(int)
    outside = (row < 0) | (row >= SIDE) | (col < 0) | (col >= SIDE)
    row, col = np.clip(row, 0, SIDE - 1), np.clip(col, 0, SIDE - 1)
    return Case(np.where(outside, 0, case.counts[row, col]), outside | case.mask[row, col], case.tags)


def beam_at_edge(experiment: Experiment, seed: np.random.SeedSequence) -> Case:
    """Move the beam, with its stop, to 3 % inside an edge."""
    generator = np.random.default_rng(seed)
    along, inside = generator.uniform(0.1, 0.9) * SIDE, 0.03 * SIDE
    place = [(along, inside), (along, SIDE - inside), (inside, along), (SIDE - inside, along)]
    return clean(with_beam_at(experiment, place[int(generator.integers(4))]), seed)


def real_masks() -> dict[str, NDArray[np.bool_]]:
    """Return the real detectors' masks (SIDE, SIDE) by name, True on gaps; empty where they are not at hand."""
    from matplotlib.image import imread

    found = {}
    for file in sorted((DATA / "masks").glob("*.png")):
        picture = imread(file)
        good = (picture[..., 0] if picture.ndim == 3 else picture) > 0.5
        rows, cols = ((np.arange(SIDE) + 0.5) * size / SIDE for size in good.shape)
        found[file.stem] = ~good[rows.astype(int)][:, cols.astype(int)]
    return found


PERFECT = Readout(False)


def _perfect(experiment: Experiment) -> Setup:
    setup = set_up(replace(experiment, gaps_masked=True))
    shape = setup.gap.shape
    nothing = Fixtures(
        np.ones(shape, np.float32), np.zeros(shape, np.float32), np.zeros(0, np.int64), PERFECT, 0.0
    )
    return replace(setup, fixtures=nothing)


def _case(image: ScatteringImage) -> Case:
    return Case(image.counts.astype(np.float32), image.mask, image.tags)


CONDITIONS: dict[str, Change] = {
    "clean": clean,
    "Gaussian": gaussian,
    "salt and pepper": salt_and_pepper,
    "100 photons": photons(100),
    "10 photons": photons(10),
    "1 photon": photons(1),
    "rotation": rotated,
    "beam at an edge": beam_at_edge,
    "half off": half_off,
}
