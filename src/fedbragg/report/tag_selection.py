"""Choose the images that a tags page shows, in one pass and with bounded memory."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.report.thumbnails import Levels, levels
from fedbragg.tasks.tags.prepare import TagView

MOST = 800
"""Images on a page, about; a shorter run is shown whole."""
EXTREME_SHARE = 0.6
"""Share of them that are extreme for some tag; the others are spread evenly over the run."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownImage:
    """One image of the page."""

    position: int  # in the run, from 0
    path: str
    index: int  # position in that file, from 0
    probabilities: NDArray[np.float64]  # (tags,)
    picture: Levels


class TagSelection:
    """Keeps the most telling images of a run.

    For each tag these are the images with the highest, the lowest and the least certain probability; others are kept
    at equal distances along the run. Of a run of at most ``most`` images all are kept.
    """

    def __init__(self, tags: int, images: int, threshold: float, most: int = MOST) -> None:
        extremes = 3 * tags
        whole = images <= most
        self._threshold = threshold
        self._each = 0 if whole else max(1, int(EXTREME_SHARE * most) // extremes)
        self._stride = 1 if whole else -(-images // max(1, most - self._each * extremes))
        self._even: list[ShownImage] = []
        self._heaps: list[list[tuple[float, int, ShownImage]]] = [[] for _ in range(extremes)]
        self._to_beat = np.full(extremes, np.inf if whole else -np.inf)  # lowest key in each full heap

    def add(
        self, position: int, path: str, index: int, probabilities: NDArray[np.float64], view: TagView
    ) -> None:
        """Keep an image if it is among the most extreme so far, or if its position is one of the even ones."""
        keys = np.concatenate([probabilities, -probabilities, -np.abs(probabilities - self._threshold)])
        extreme = np.flatnonzero(keys > self._to_beat)
        even = position % self._stride == 0
        if not even and len(extreme) == 0:
            return
        image = ShownImage(position, path, index, probabilities, levels(view))
        if even:
            self._even.append(image)
        for place in extreme:
            self._keep(int(place), float(keys[place]), image)

    def _keep(self, place: int, key: float, image: ShownImage) -> None:
        """Add an image to a heap; a full one loses its least extreme image, of equal ones the latest."""
        heap, entry = self._heaps[place], (key, -image.position, image)
        if len(heap) < self._each:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
        if len(heap) == self._each:
            self._to_beat[place] = heap[0][0]

    def images(self) -> list[ShownImage]:
        """Return the images kept so far, each once, in the run's order."""
        kept = [*self._even, *(image for heap in self._heaps for _, _, image in heap)]
        return sorted({image.position: image for image in kept}.values(), key=lambda image: image.position)
