"""The report of labelled phases: figures worked by hand, a diagram where there are enough labels."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import loads_nothing

from fedbragg.report.phases_evaluation import LabelledPhases, evaluation_page


def labelled(patterns: int, *, calibrated: bool = True) -> LabelledPhases:
    """Calcite right in three of four at 0.8 or 0.2; rhenium without a label."""
    shown = np.arange(patterns) % 2 == 0
    answer = np.where(np.arange(patterns) % 4 == 3, ~shown, shown)
    labels = np.stack([shown.astype(float), np.full(patterns, -1.0)], axis=1)
    probabilities = np.stack([np.where(answer, 0.8, 0.2), np.full(patterns, 0.5)], axis=1)
    return LabelledPhases(("calcite", "rhenium"), labels, probabilities, 0.5, calibrated)


def test_figures_and_reliability_are_those_worked_by_hand() -> None:
    """Of 40: 30 right. At 0.8, 20 of 30 show it (0.133 off); at 0.2, none of 10 (0.2 off): 0.15 on average."""
    text = evaluation_page(labelled(40))
    assert loads_nothing(text)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", text)
    assert cells[:2] == ["calcite", "20 of 40"]
    assert cells[2].startswith("0.750 [")
    # Brier: 30 answers 0.2 off, 10 answers 0.8 off.
    assert cells[-3:] == ["calcite", "0.150", f"{0.75 * 0.2**2 + 0.25 * 0.8**2:.3f}"]
    assert "rhenium" not in text
    assert "patterns that show the phase" in text


@pytest.mark.parametrize("calibrated", [True, False])
def test_few_labels_have_no_diagram_and_a_model_without_calibration_says_so(calibrated: bool) -> None:
    text = evaluation_page(labelled(8, calibrated=calibrated))
    assert "too few for a diagram" in text
    assert ("is not calibrated" in text) != calibrated
