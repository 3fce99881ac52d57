"""Classes and instances of a picture of any size in bounded memory: block by block, joined where blocks overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.segmentation import Instances
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.segments.instances import Classes, find_instances, most_probable
from fedbragg.tasks.segments.prepare import Scaling, scaling_of
from fedbragg.tasks.segments.tiles import Tile, number_of_tiles, tiles

BLOCK = 3072
"""pixel, the longest edge of a block."""
MARGIN = 192
"""pixel, around a block's inside: a grain that two blocks share must show in both."""
AGREE = 0.5
"""Intersection over union in the overlap, above which two blocks' instances are one; no two can claim the same."""

Probabilities = Callable[[NDArray[Any], Scaling], NDArray[np.floating]]
"""From a part of a picture and the whole's scaling to the probability of each class, (classes, rows, cols)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """A model's answer for one picture."""

    classes: NDArray[np.uint8]  # (rows, cols) class index
    instances: Instances  # (rows, cols) grain or particle, from 1; 0 belongs to none


@dataclass(slots=True, eq=False)
class Joiner:
    """Number the instances of blocks as those of one picture."""

    numbers: Instances  # (rows, cols) of the blocks so far
    known: int = 0  # numbers given so far

    def add(self, block: Tile, found: Instances) -> None:
        """Add the instances (rows, cols) of the next block; those that agree with earlier ones keep their number."""
        number = np.arange(self.known, self.known + int(found.max(initial=0)) + 1, dtype=np.int32)
        number[0] = 0
        old, new = _agreeing(self.numbers[block.read], found)
        number[new] = old
        self.known += len(number) - 1
        self.numbers[block.kept] = number[found[block.inside]]

    def joined(self) -> Instances:
        """Return the instances of the picture (rows, cols), numbered from 1 without gaps."""
        left = np.zeros(self.known + 1, bool)
        for strip in self._strips():
            left[strip] = True
        left[0] = False
        number = (np.cumsum(left) * left).astype(np.int32)
        for strip in self._strips():  # in place: the numbers may fill half of the memory
            strip[:] = number[strip]
        return self.numbers

    def _strips(self) -> Iterator[Instances]:
        for first in range(0, len(self.numbers), BLOCK):
            yield self.numbers[first : first + BLOCK]


def segment_in_blocks(
    picture: NDArray[Any], probabilities: Probabilities, classes: Classes, progress: Progress = SILENT
) -> Segments:
    """Return the classes and instances of a picture (rows, cols) or (rows, cols, 3)."""
    labels = np.empty(picture.shape[:2], np.uint8)
    joiner = Joiner(np.zeros(picture.shape[:2], np.int32))
    for block, answer in _answers(picture, probabilities, progress):
        labels[block.kept] = most_probable(answer)[block.inside]
        joiner.add(block, find_instances(answer, classes))
    return Segments(labels, joiner.joined())


def label_in_blocks(
    picture: NDArray[Any], probabilities: Probabilities, progress: Progress = SILENT
) -> NDArray[np.uint8]:
    """Return the class index of every pixel of a picture."""
    labels = np.empty(picture.shape[:2], np.uint8)
    for block, answer in _answers(picture, probabilities, progress):
        labels[block.kept] = most_probable(answer)[block.inside]
    return labels


def _answers(
    picture: NDArray[Any], probabilities: Probabilities, progress: Progress
) -> Iterator[tuple[Tile, NDArray[np.floating]]]:
    shape, scaling = (picture.shape[0], picture.shape[1]), scaling_of(picture)
    number = number_of_tiles(shape, BLOCK, MARGIN)
    step = (progress if number > 1 else SILENT).stage("Blocks of a large micrograph", number)
    for block in tiles(shape, BLOCK, MARGIN):
        yield block, probabilities(picture[block.read], scaling)
        step()


def _agreeing(before: Instances, found: Instances) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which instances agree where earlier blocks and this one both have answers: their numbers in each."""
    there = before > 0  # where an earlier block's answer is kept
    overlap = there & (found > 0)
    if not overlap.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    old, new = before[overlap].astype(np.int64), found[overlap].astype(np.int64)
    width = int(new.max()) + 1
    pairs, shared = np.unique(old * width + new, return_counts=True)
    one, other = pairs // width, pairs % width
    size_one, size_other = np.bincount(before[there]), np.bincount(found[there], minlength=width)
    agree = shared > AGREE * (size_one[one] + size_other[other] - shared)
    return one[agree], other[agree]
