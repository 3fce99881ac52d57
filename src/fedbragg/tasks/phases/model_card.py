"""The description inside a model file of the phases task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.beta_calibration import ScoreMap
from fedbragg.models.onnx_file import card_values
from fedbragg.tasks.phases.prepare import PatternSettings

FORMAT = 1
TASK = "phases"
MERGED = 0.012
"""Lines of a phase closer than this, 1/angstrom, count as one: a peak is wider."""
MOST_LINES = 24
"""Number of strongest lines of a phase that a comb uses."""


@dataclass(frozen=True, slots=True, eq=False)
class PhaseLines:
    """The lines by which a phase is identified and drawn."""

    name: str
    q: NDArray[np.float64]  # (lines,), 1/angstrom, rising
    strength: NDArray[np.float64]  # (lines,), of an ideal powder, the strongest 1


@dataclass(frozen=True, slots=True)
class PhaseCard:
    """The phases that a model knows, and how patterns become its input."""

    phases: tuple[PhaseLines, ...]
    wavelength: float  # angstrom, of the training patterns
    prepare: PatternSettings = field(default_factory=PatternSettings)
    threshold: float = 0.5
    provenance: Mapping[str, Any] = field(default_factory=dict)
    calibration: tuple[ScoreMap, ...] = ()  # one for each phase; empty: the network's own answers

    @property
    def names(self) -> tuple[str, ...]:
        """Return the phases' names, in the order of the columns."""
        return tuple(phase.name for phase in self.phases)

    def to_json(self) -> str:
        """Return the card as one line of JSON."""
        phases = [
            {"name": p.name, "q": p.q.round(5).tolist(), "strength": p.strength.round(5).tolist()}
            for p in self.phases
        ]
        values = {"format": FORMAT, "task": TASK, "phases": phases, "wavelength": self.wavelength}
        values |= {"prepare": self.prepare.as_metadata(), "threshold": self.threshold}
        values |= {"calibration": [astuple(one) for one in self.calibration]}
        return json.dumps(values | {"provenance": dict(self.provenance)})

    @staticmethod
    def from_json(text: str) -> PhaseCard:
        """Read a card; raise ValueError, KeyError, TypeError or AttributeError if it is not one."""
        values = card_values(text, TASK, (FORMAT,))
        phases = tuple(
            PhaseLines(str(p["name"]), np.array(p["q"], float), np.array(p["strength"], float))
            for p in values["phases"]
        )
        calibration = tuple(ScoreMap(*map(float, numbers)) for numbers in values.get("calibration", ()))
        if calibration and len(calibration) != len(phases):
            raise ValueError(f"{len(calibration)} calibrations for {len(phases)} phases")
        return PhaseCard(
            phases,
            float(values["wavelength"]),
            PatternSettings.from_metadata(values["prepare"]),
            float(values["threshold"]),
            values["provenance"],
            calibration,
        )


def strongest_lines(
    name: str, q: NDArray[np.float64], intensity: NDArray[np.float64], settings: PatternSettings
) -> PhaseLines:
    """Return a phase's strongest lines on the grid; lines that coincide count as one."""
    inside = np.flatnonzero((q > settings.q_low) & (q < settings.q_high))
    order = inside[np.argsort(q[inside])]
    groups = np.split(order, np.flatnonzero(np.diff(q[order]) > MERGED) + 1) if len(order) else []
    strength = np.array([intensity[group].sum() for group in groups])
    middle = np.array([np.average(q[group], weights=intensity[group]) for group in groups])
    best = np.sort(np.argsort(-strength, kind="stable")[:MOST_LINES])
    return PhaseLines(name, middle[best], strength[best] / strength.max(initial=1e-12))
