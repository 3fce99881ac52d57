"""Labelled micrographs to train on: a site's files with their masks, or the simulator's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.ordered_map import ordered_map
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.simulation.micrograph.micrograph import Kind, Micrograph, draw_structure
from fedbragg.simulation.micrograph.render import render
from fedbragg.simulation.micrograph.structure import CLASSES, Structure
from fedbragg.simulation.micrograph.style import Style, draw_style
from fedbragg.tasks.segments.data import UNKNOWN, LabelledPicture, SegmentData
from fedbragg.tasks.segments.picture_file import read_mask, read_picture

KINDS: tuple[Kind, ...] = ("grains", "precipitates")
CORES = os.cpu_count() or 1


def labelled(
    pictures: Sequence[Path], masks: Mapping[str, Path], classes: int, progress: Progress = SILENT
) -> SegmentData:
    """Read the pictures that have a mask of the same stem, in order.

    Raises InputError, which names the file, for one that cannot be used, LabelError where no picture has a mask or
    all pixels are of one class.
    """
    paired = [(path, masks[path.stem]) for path in pictures if path.stem in masks]
    if not paired:
        raise LabelError(f"none of the {len(pictures)} pictures has a mask of the same name.")
    step = progress.stage("Reading micrographs", len(paired))
    data = SegmentData(tuple(_read_pair(*pair, classes, step) for pair in paired), classes)
    if sum(count > 0 for count in data.label_counts[0]) < 2:
        raise LabelError(
            f"{paired[0][1].parent}: the masks hold a single class; at least two are needed to learn from."
        )
    return data


def _read_pair(picture: Path, mask: Path, classes: int, step: Step) -> LabelledPicture:
    pixels = read_picture(picture)
    pair = LabelledPicture(pixels, read_mask(mask, pixels.shape, classes))
    step()
    return pair


@dataclass(frozen=True, slots=True)
class Simulated:
    """The micrographs to simulate."""

    structures: int
    styles: int = 1  # pictures of each structure, each in a style of its own
    style: Callable[[np.random.Generator], Style] = draw_style
    kinds: tuple[Kind, ...] = KINDS  # of the structures, in turn
    side: int = 256  # pixel, along the edge of a picture


def simulated(what: Simulated, names: Sequence[str], seed: int, step: Step | None = None) -> SegmentData:
    """Simulate labelled micrographs; a class that the simulator does not know does not occur."""
    children = np.random.SeedSequence([seed, 11]).spawn(what.structures)
    pictures = list[LabelledPicture]()
    for i, made in enumerate(ordered_map(lambda task: _pictured(what, *task), enumerate(children), CORES, 8)):
        pictures += [labelled_as(one, names) for one in made]
        if step is not None and i < what.structures:
            step()
    return SegmentData(tuple(pictures), len(names))


def _pictured(what: Simulated, index: int, seed: np.random.SeedSequence) -> list[Micrograph]:
    generator = np.random.default_rng(seed)
    structure = draw_structure(what.kinds[index % len(what.kinds)], (what.side, what.side), generator)
    made = []
    for _ in range(what.styles):
        shift = tuple(int(n) for n in generator.integers(what.side, size=2))
        shown = Structure(
            np.roll(structure.grains, shift, (0, 1)), np.roll(structure.particles, shift, (0, 1))
        )
        made.append(Micrograph(render(shown, what.style(generator), generator), shown))
    return made


def labelled_as(micrograph: Micrograph, names: Sequence[str]) -> LabelledPicture:
    """Return a simulated micrograph with the indices of the given classes; others become unknown."""
    index = np.array([names.index(name) if name in names else UNKNOWN for name in CLASSES], np.uint8)
    classes: NDArray[np.uint8] = index[micrograph.structure.classes]
    return LabelledPicture(micrograph.picture, classes)
