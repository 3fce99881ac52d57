"""The report of phases identified in labelled patterns: agreement, and how reliable the probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.classification import summary
from fedbragg.metrics.reliability import brier, calibration_error, reliability
from fedbragg.report.figures import reliability_diagram
from fedbragg.report.page import PageSection, drawing, page, paragraph, table

FEWEST = 20
"""Fewest labelled patterns of a phase for a reliability diagram."""
FIGURES = ("balanced accuracy", "AUC", "precision", "recall", "accuracy")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPhases:
    """Labels and a model's probabilities for the same patterns."""

    names: tuple[str, ...]  # of the phases
    labels: NDArray[np.float64]  # (patterns, phases), 1, 0, or -1 for unknown
    probabilities: NDArray[np.float64]  # (patterns, phases)
    threshold: float
    calibrated: bool  # whether the model file holds a calibration

    def known(self) -> list[tuple[str, NDArray[np.bool_], NDArray[np.float64]]]:
        """Return name, labels and probabilities of each phase that has labels, over its labelled patterns."""
        columns = zip(self.names, self.labels.T, self.probabilities.T, strict=True)
        return [(name, t[t >= 0] > 0, p[t >= 0]) for name, t, p in columns if (t >= 0).any()]


def evaluation_page(found: LabelledPhases) -> str:
    """Return the report as HTML."""
    lead = f"{len(found.labels)} labelled patterns; a phase counts as found from {found.threshold:g} on."
    return page("Phases in labelled patterns", lead, [_figures(found), _reliability(found)])


def _figures(found: LabelledPhases) -> PageSection:
    rows = []
    for name, shown, probability in found.known():
        figures = summary(shown, probability, found.threshold)
        counts = f"{int(shown.sum())} of {len(shown)}"
        rows.append((name, counts, *(str(figures[figure]) for figure in FIGURES)))
    return PageSection("Agreement with the labels", [table(("phase", "show it", *FIGURES), rows)])


def _reliability(found: LabelledPhases) -> PageSection:
    known = found.known()
    rows = [
        (name, f"{calibration_error(shown, probability):.3f}", f"{brier(shown, probability):.3f}")
        for name, shown, probability in known
    ]
    columns = ("phase", "expected calibration error", "Brier score")
    return PageSection(
        "Reliability", [*_diagram(known), table(columns, rows), paragraph(_origin(found.calibrated))]
    )


def _diagram(known: Sequence[tuple[str, NDArray[np.bool_], NDArray[np.float64]]]) -> list[str]:
    enough = {name: reliability(shown, p) for name, shown, p in known if len(shown) >= FEWEST}
    if not enough:
        return [paragraph(f"No phase has {FEWEST} labelled patterns, too few for a diagram.")]
    caption = "Share of patterns that show the phase among those of similar probability, with 95 % intervals."
    return [drawing(reliability_diagram(enough, "patterns that show the phase"), caption)]


def _origin(calibrated: bool) -> str:
    if not calibrated:
        return (
            "This model is not calibrated: its figures are the network's own and need not be probabilities."
        )
    return (
        "The probabilities were calibrated on simulated patterns; each phase is visible in a third of them. "
        "Where a phase is rarer, they are too high for it."
    )
