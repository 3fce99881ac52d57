"""A tags model's file, opened: an image in, tags out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.labelled_run import labelled_run
from fedbragg.tasks.tags.judge import mean_metrics, metrics_by_tag
from fedbragg.tasks.tags.labels import read_tags
from fedbragg.tasks.tags.model_card import TagCard
from fedbragg.tasks.tags.model_file import Tagged, Tagger
from fedbragg.tasks.tags.prepare import prepare
from fedbragg.types import Frame, Unreadable

Read = tuple[str, int, NDArray[np.float64] | None]
"""Path, index in the file, and probabilities of an image; None where it could not be read."""


class TagPredictor:
    """An opened model file of tags; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        """Open a model file; raise ModelFileError for any other file."""
        self.path = path
        self.tagger = Tagger(path)

    @property
    def card(self) -> TagCard:
        """Return the file's card."""
        return self.tagger.card

    def __call__(self, frame: Frame) -> Tagged:
        """Return the tags of one image; raise FrameError where it cannot be prepared."""
        return self.tagger(prepare(frame))

    def evaluate(self, labelled: LabelledFiles, progress: Progress = SILENT) -> Evaluation:
        """Compare with a table ``path,frame,TAG,...``, metrics averaged over the tags that have both answers."""
        table = read_tags(labelled.labels, self.card.names)
        run = labelled_run(labelled.paths, table.paths)
        step = progress.stage("Evaluating", len(run))
        labels, answers, unread = [], [], 0
        for path, index, probabilities in run.map(self._read, labelled.threads):
            tags = table.tags(path, index)
            if probabilities is None:
                unread += 1
            elif tags is not None:
                labels.append(tags)
                answers.append(probabilities)
            step()
        return self._evaluation(np.array(labels), np.array(answers), labelled.threshold, unread)

    def _evaluation(
        self, labels: NDArray[np.float32], answers: NDArray[np.float64], threshold: float | None, unread: int
    ) -> Evaluation:
        limit = self.card.threshold if threshold is None else threshold
        judged = metrics_by_tag(
            labels.reshape(-1, len(self.card.names)), answers.reshape(-1, len(self.card.names)), limit
        )
        facts = [("images", str(len(labels)))] + ([("unreadable", f"{unread}, left out")] if unread else [])
        for name, column, metrics in zip(self.card.names, labels.T, judged, strict=True):
            if np.isfinite(metrics["AUC"].value):
                shown = f"{int((column == 1).sum())} of {int((column >= 0).sum())}"
                facts.append((name, f"{shown}; AP {metrics['mAP']}; AUC {metrics['AUC']}"))
        return Evaluation(mean_metrics(judged), tuple(facts))

    def _read(self, frame: Frame | Unreadable) -> Read:
        if isinstance(frame, Unreadable):
            return frame.path, frame.index, None
        try:
            return frame.path, frame.index, self(frame).probabilities
        except FrameError:
            return frame.path, frame.index, None
