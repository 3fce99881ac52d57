"""An opened model file of hit finding: a frame in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.images import read_labels
from fedbragg.images.packed_frame import Reduce
from fedbragg.metrics.classification import confusion, summary
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.hits.model_file import ModelCard, Scorer
from fedbragg.tasks.hits.prepare import mask_block_cache, prepare_with_peaks, spots
from fedbragg.tasks.labelled_run import labelled_run
from fedbragg.types import Frame, Label, Unreadable, Verdict

ScoredFrame = tuple[str, int, float | None]
"""Path, index in the file, and score of a frame; None if it could not be read."""


class HitPredictor:
    """An opened model file of hit finding; may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Open a model file; raise ModelFileError if it is not one."""
        self.path = path
        self.scorer = Scorer(path)
        self.masks = mask_block_cache()

    @property
    def reduce(self) -> Reduce | None:
        """Return a function for ``open_files`` that speeds up screening of HDF5 files; None if there is none."""
        from fedbragg.tasks.hits.prepare.contrast import EIGHT
        from fedbragg.tasks.hits.prepare.decoding import BlockReducer

        return BlockReducer(self.masks) if self.card.prepare.block == EIGHT else None

    @property
    def card(self) -> ModelCard:
        """Return the description inside the file."""
        return self.scorer.card

    def __call__(self, frame: Frame) -> Verdict:
        """Return the verdict on one frame with its spots; raise FrameError if it cannot be scored."""
        view, peaks = prepare_with_peaks(frame, self.card.prepare, self.masks)
        score, spot_map = self.scorer(view)
        keep = score >= self.card.threshold
        return Verdict(frame.path, frame.index, score, keep, spots=tuple(spots(peaks, spot_map)))

    def evaluate(self, labelled: LabelledFiles, progress: Progress = SILENT) -> Evaluation:
        """Compare the scores with an expert's labels: maybe counts as hit, an unreadable frame as kept."""
        table = read_labels(labelled.labels)
        run = labelled_run(labelled.paths, table.paths)
        step = progress.stage("Evaluating", len(run))
        scores: list[float | None] = []
        labels: list[Label] = []
        for path, index, score in run.map(self._score, labelled.threads):
            if (label := table.label(path, index)) is not None:
                scores.append(score)
                labels.append(label)
            step()
        threshold = self.card.threshold if labelled.threshold is None else labelled.threshold
        return _evaluation(labels, scores, threshold)

    def _score(self, frame: Frame | Unreadable) -> ScoredFrame:
        if isinstance(frame, Unreadable):
            return frame.path, frame.index, None
        try:
            view, _ = prepare_with_peaks(frame, self.card.prepare, self.masks)
            return frame.path, frame.index, self.scorer(view)[0]
        except FrameError:
            return frame.path, frame.index, None


def _evaluation(labels: Sequence[Label], scores: Sequence[float | None], threshold: float) -> Evaluation:
    positive = np.array([label.positive for label in labels], dtype=bool)
    score = np.array([1.0 if value is None else value for value in scores], dtype=np.float64)
    metrics = summary(positive, score, threshold)
    return Evaluation(metrics, _facts(positive, score, threshold, unread=scores.count(None)))


def _facts(
    positive: NDArray[np.bool_], score: NDArray[np.float64], threshold: float, unread: int
) -> tuple[tuple[str, str], ...]:
    counts = confusion(positive, score >= threshold)
    unreadable = (("unreadable", f"{unread}, counted as kept"),) if unread else ()
    return (
        ("frames", f"{len(positive)}: {positive.sum()} hit or maybe, {(~positive).sum()} miss"),
        *unreadable,
        ("kept", f"{counts.true_positive} hits or maybes, {counts.false_positive} misses"),
        ("lost", f"{counts.false_negative} hits or maybes (threshold {threshold:.3g})"),
    )
