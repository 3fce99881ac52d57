"""A segments model's file, opened: a picture in, classes and instances out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.extras import require
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.segments.blocks import Segments, segment_in_blocks
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.judge import agreement, summary
from fedbragg.tasks.segments.model_card import SegmentCard
from fedbragg.tasks.segments.model_file import Segmenter
from fedbragg.tasks.segments.picture_file import read_mask, read_picture
from fedbragg.tasks.segments.picture_paths import find_masks, find_pictures


class SegmentPredictor:
    """An opened model file of segments; safe to call from several threads."""

    def __init__(self, path: Path, threads: int = 1, absent: Sequence[str] = ()) -> None:
        """Open a model file for pictures that do not hold the ``absent`` classes.

        Raises ModelFileError for any other file, and InputError where the model has no such class.
        """
        self.path = path
        self.segmenter = Segmenter(path, threads, absent)

    @property
    def card(self) -> SegmentCard:
        """Return the file's card."""
        return self.segmenter.card

    @property
    def classes(self) -> Classes:
        """Return the file's classes, and which of them the pictures do not hold."""
        return self.segmenter.classes

    def __call__(self, picture: NDArray[Any], progress: Progress = SILENT) -> Segments:
        """Return the classes and instances of one picture."""
        return segment_in_blocks(picture, self.segmenter, self.classes, progress)

    def evaluate(self, labelled: LabelledFiles, progress: Progress = SILENT) -> Evaluation:
        """Compare with masks in the folder ``labelled.labels``, paired by file name; raise LabelError for none."""
        require("segments", "evaluating segments")
        masks, names = find_masks(labelled.labels), self.classes.names
        paths = [path for path in find_pictures(labelled.paths) if path.stem in masks]
        if not paths:
            raise LabelError(f"{labelled.labels}: no picture has a mask of the same name.")
        step, found = progress.stage("Evaluating", len(paths)), []
        for path in paths:
            picture = read_picture(path)
            labels = read_mask(masks[path.stem], picture.shape, len(names))
            found.append(agreement(self.segmenter(picture), labels, self.classes))
            step()
        return Evaluation(summary(np.array(found), self.classes), (("pictures", str(len(paths))),))
