"""Identify the phases of many powder patterns: a table, and a plot of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fedbragg.progress import SILENT, Progress
from fedbragg.report.phases import Found, colour_of, write_plot
from fedbragg.tasks import phases
from fedbragg.tasks.phases.files.integrate import Integration, integrate
from fedbragg.tasks.phases.files.pattern import is_pattern, read_pattern
from fedbragg.tasks.phases.model_file import Identified
from fedbragg.tasks.phases.predictor import PhasePredictor
from fedbragg.types import Pattern
from fedbragg.workflows.apply import Applied, apply, write_table
from fedbragg.workflows.folder import make_folder

TABLE, PLOTS = "phases.csv", "plots"


@dataclass(frozen=True, slots=True)
class PatternReading:
    """How patterns are read."""

    wavelength: float | None = None  # angstrom; None takes the file's, else the model's
    images: Integration = field(default_factory=lambda: Integration(None, False))


IdentifiedPattern = Applied[Pattern, Identified]


def identify_phases(
    patterns: Sequence[str | Path], model: Path | None = None, reading: PatternReading | None = None
) -> Iterator[IdentifiedPattern]:
    """Yield the phases of every pattern in order, with the packaged model unless another is given.

    A pattern that cannot be read has no answer and says why.
    """
    predictor = phases.open_model(model or phases.default_model())
    return apply(map(str, patterns), reader(predictor, reading or PatternReading()), predictor)


def reader(predictor: PhasePredictor, reading: PatternReading) -> Callable[[str], Pattern]:
    """Return what reads a pattern by name: a table of angles, or an image to integrate."""

    def read(name: str) -> Pattern:
        path, wavelength = Path(name), reading.wavelength
        if is_pattern(path):
            return read_pattern(path, wavelength or predictor.card.wavelength, given=wavelength is not None)
        return integrate(path, reading.images, wavelength)

    return read


@dataclass(frozen=True, slots=True)
class IdentificationFolder:
    """What is written of an identification."""

    out: Path
    plots: bool = True

    @property
    def written(self) -> str:
        """Return what there is to look at."""
        return f"{self.out / TABLE}, {self.out / PLOTS}" if self.plots else str(self.out / TABLE)


def identify_into(
    folder: IdentificationFolder,
    patterns: Sequence[str],
    predictor: PhasePredictor,
    reading: PatternReading,
    progress: Progress = SILENT,
) -> list[IdentifiedPattern]:
    """Identify patterns and write the table, and a plot of each where plots are wanted."""
    make_folder(folder.out / PLOTS if folder.plots else folder.out)
    step, names = progress.stage("Identifying", len(patterns)), set[str]()
    rows = []
    for applied in apply(patterns, reader(predictor, reading), predictor):
        plot = folder.out / PLOTS / _plot_name(Path(applied.name), names)
        if folder.plots and applied.item is not None and applied.answer is not None:
            wavelength = reading.wavelength or predictor.card.wavelength
            _plot(plot, applied.item, applied.answer, predictor, wavelength)
        rows.append(replace(applied, item=None))  # patterns are not kept: there may be many
        step()
    answers = ((row.name, None if row.answer is None else row.answer.probabilities.tolist()) for row in rows)
    write_table(folder.out / TABLE, predictor.card.names, answers)
    return rows


def _plot(
    path: Path, pattern: Pattern, answer: Identified, predictor: PhasePredictor, wavelength: float
) -> None:
    card = predictor.card
    found = [
        Found(lines, float(probability), float(strain), colour_of(position))
        for position, (lines, probability, strain) in enumerate(
            zip(card.phases, answer.probabilities, answer.strains, strict=True)
        )
        if probability >= card.threshold
    ]
    write_plot(path, pattern, found, (card.prepare.q_low, card.prepare.q_high), wavelength)


def _plot_name(path: Path, taken: set[str]) -> str:
    """Return a name for a pattern's plot that no other pattern of this call has."""
    stem = "-".join([path.stem, *path.suffix.split(":")[1:]])  # run.h5:7 becomes run-7
    name, number = stem or "pattern", 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return f"{name}.png"
