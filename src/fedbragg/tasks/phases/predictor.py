"""An opened model file of phase identification: a pattern in, phases out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import Evaluation, LabelledFiles
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.labels import labelled_files, pattern_files
from fedbragg.tasks.phases.metrics import mean_metrics, metrics_by_phase, reliability_facts
from fedbragg.tasks.phases.model_card import PhaseCard
from fedbragg.tasks.phases.model_file import Identified, Identifier
from fedbragg.tasks.phases.prepare import prepare_pattern
from fedbragg.types import Pattern


class PhasePredictor:
    """An opened model file of phase identification; may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Open a model file; raise ModelFileError if it is not one."""
        self.path = path
        self._identifier = Identifier(path)

    @property
    def card(self) -> PhaseCard:
        """Return the description inside the file."""
        return self._identifier.card

    def __call__(self, pattern: Pattern) -> Identified:
        """Return the phases of one pattern; raise InputError if it cannot be prepared."""
        return self._identifier(prepare_pattern(pattern, self.card.prepare))

    def evaluate(self, labelled: LabelledFiles, progress: Progress = SILENT) -> Evaluation:
        """Compare the answers with a table ``path,PHASE,PHASE,...``; metrics are averaged over the phases."""
        names, wavelength = self.card.names, self.card.wavelength
        files = pattern_files(Path(), labelled.paths)
        chosen, truth = labelled_files(files, labelled.labels, names)
        step = progress.stage("Evaluating", len(chosen))
        answers = []
        for file in chosen:
            answers.append(self(read_pattern(file, wavelength)).probabilities)
            step()
        threshold = self.card.threshold if labelled.threshold is None else labelled.threshold
        probabilities = np.stack(answers)
        metrics = mean_metrics(metrics_by_phase(truth, probabilities, threshold))
        shown = (
            (name, f"{int((column == 1).sum())} show it") for name, column in zip(names, truth.T, strict=True)
        )
        facts = (("patterns", str(len(chosen))), *shown, *reliability_facts(truth, probabilities))
        return Evaluation(metrics, facts)
