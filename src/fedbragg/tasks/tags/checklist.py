"""Scattering images for a page that asks for their tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fedbragg.images.run import FileRun
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.types import Frame


class TagChecklist:
    """The images of a run, and the tags that a model knows."""

    columns: ClassVar[tuple[str, ...]] = ("path", "frame")

    def __init__(self, run: FileRun, predictor: TagPredictor) -> None:
        self._run, self._predictor = run, predictor
        self.names = tuple(predictor.card.names)
        self.files = run.files

    def show(self, position: int) -> Frame:
        """Return an image; raise FrameError where it cannot be read."""
        return self._run[position]

    def probabilities(self, position: int) -> Sequence[float]:
        """Return the probability of each tag; raise FrameError where the image cannot be read or prepared."""
        found: list[float] = self._predictor(self._run[position]).probabilities.tolist()
        return found
