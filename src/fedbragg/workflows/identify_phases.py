"""Identify the phases of powder patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fedbragg.report.phases import Found, colour_of, write_plot
from fedbragg.report.phases_evaluation import LabelledPhases, evaluation_page
from fedbragg.tasks import phases
from fedbragg.tasks.phases.files.integrate import Integration, integrate
from fedbragg.tasks.phases.files.pattern import is_pattern, read_pattern
from fedbragg.tasks.phases.labels import labelled_files
from fedbragg.tasks.phases.model_card import PhaseCard
from fedbragg.tasks.phases.model_file import Identified
from fedbragg.tasks.phases.predictor import PhasePredictor
from fedbragg.types import Pattern
from fedbragg.workflows.apply import Applied, Presentation, Row, apply

TABLE = "phases.csv"
REPORT = "report.html"
IdentifiedPattern = Applied[Pattern, Identified]


@dataclass(frozen=True, slots=True)
class PatternReading:
    """Settings for reading patterns."""

    wavelength: float | None = None  # angstrom; None takes the file's, else the model's
    images: Integration = field(default_factory=lambda: Integration(None, False))


def identify_phases(
    patterns: Sequence[str | Path], model: Path | None = None, reading: PatternReading | None = None
) -> Iterator[IdentifiedPattern]:
    """Yield the phases of every pattern in order, with the packaged model by default.

    A pattern that cannot be read has no answer but a ``reason``.
    """
    predictor = phases.open_model(model or phases.default_model())
    return apply(map(str, patterns), reader(predictor.card, reading or PatternReading()), predictor)


def reader(card: PhaseCard, reading: PatternReading) -> Callable[[str], Pattern]:
    """Return a function that reads a pattern by name, from a table of angles or by integrating an image."""

    def read(name: str) -> Pattern:
        path, wavelength = Path(name), reading.wavelength
        if is_pattern(path):
            return read_pattern(path, wavelength or card.wavelength, given=wavelength is not None)
        return integrate(path, reading.images, wavelength)

    return read


def presentation(
    predictor: PhasePredictor, reading: PatternReading, plots: bool
) -> Presentation[Pattern, Identified]:
    """Return the table of probabilities and, if wanted, a plot of each pattern with the lines of its phases."""
    card = predictor.card

    def plot(path: Path, pattern: Pattern, answer: Identified) -> None:
        limits = (card.prepare.q_low, card.prepare.q_high)
        write_plot(path, pattern, found_in(card, answer), limits, reading.wavelength or card.wavelength)

    return Presentation(
        TABLE, card.names, lambda answer: answer.probabilities.tolist(), plot if plots else None
    )


def write_evaluation(path: Path, rows: Sequence[Row], labels: Path, card: PhaseCard) -> None:
    """Write a page that compares the answers with a table ``path,PHASE,PHASE,...``.

    Raises LabelError if no identified pattern has a label.
    """
    answers = {Path(row.name).resolve(): row.values for row in rows if row.values is not None}
    chosen, truth = labelled_files(list(answers), labels, card.names)
    probabilities = np.array([answers[file] for file in chosen])
    found = LabelledPhases(card.names, truth, probabilities, card.threshold, bool(card.calibration))
    path.write_text(evaluation_page(found), encoding="utf-8")


def found_in(card: PhaseCard, answer: Identified) -> list[Found]:
    """Return the phases whose probability reaches the model's threshold."""
    return [
        Found(lines, float(probability), float(strain), colour_of(position))
        for position, (lines, probability, strain) in enumerate(
            zip(card.phases, answer.probabilities, answer.strains, strict=True)
        )
        if probability >= card.threshold
    ]
