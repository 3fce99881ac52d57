"""Powder patterns on a page that asks for their phases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from fedbragg.bragg import two_theta_of
from fedbragg.tasks.checklist import Curve
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.predictor import PhasePredictor


class PhaseChecklist:
    """Files of patterns, and the phases that a model knows."""

    columns: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(self, paths: Sequence[Path], predictor: PhasePredictor) -> None:
        self._paths, self._predictor = paths, predictor
        self.names = predictor.card.names
        self.files = [(str(path), 1) for path in paths]

    def show(self, position: int) -> Curve:
        """Return a pattern over two-theta with each phase's lines; raise InputError where it cannot be read."""
        card = self._predictor.card
        pattern = read_pattern(self._paths[position], card.wavelength)
        angles = two_theta_of(pattern.q, card.wavelength)
        lines = {phase.name: two_theta_of(phase.q, card.wavelength) for phase in card.phases}
        shown = np.isfinite(angles)
        return Curve(
            angles[shown],
            pattern.intensity[shown],
            f"2θ at {card.wavelength:g} Å, degrees",
            {name: places[np.isfinite(places)] for name, places in lines.items()},
        )

    def probabilities(self, position: int) -> Sequence[float]:
        """Return the probability of each phase; raise InputError where the pattern cannot be read or prepared."""
        pattern = read_pattern(self._paths[position], self._predictor.card.wavelength)
        found: list[float] = self._predictor(pattern).probabilities.tolist()
        return found
