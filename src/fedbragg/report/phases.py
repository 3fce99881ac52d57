"""Plot a powder pattern with the lines of the phases found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import two_theta_of
from fedbragg.report.figures import COLOURS, INK
from fedbragg.tasks.phases.model_card import PhaseLines
from fedbragg.types import Pattern

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WEAKEST = 0.02
"""Lines weaker than this share of a phase's strongest are not drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A phase found in a pattern."""

    lines: PhaseLines
    probability: float
    strain: float  # relative growth of the cell that fits best
    colour: str

    @property
    def q(self) -> NDArray[np.float64]:
        """Return the positions of its lines (lines,), corrected for the strain."""
        return np.asarray(self.lines.q / (1 + self.strain))


def colour_of(position: int) -> str:
    """Return the colour of a phase by its number in the model, the same in every plot."""
    return COLOURS[position % len(COLOURS)]


def write_plot(
    path: Path, pattern: Pattern, found: Sequence[Found], limits: tuple[float, float], wavelength: float
) -> None:
    """Plot a pattern between ``limits`` in q (1/angstrom) against two-theta, with the lines of each phase below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4 + 0.28 * len(found)), layout="constrained")
    heights = [3.4, 0.28 * max(len(found), 1)]
    curve, lines = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    shown = (pattern.q >= limits[0]) & (pattern.q <= limits[1])
    curve.plot(_angle(pattern.q[shown], wavelength), pattern.intensity[shown], color=INK, linewidth=0.8)
    for row, phase in enumerate(found):
        _draw_lines(curve, lines, row, phase, wavelength)
    labels = [f"{phase.lines.name} {phase.probability:.2f}" for phase in found] or ["no phase found"]
    lines.set_yticks([-row for row in range(len(labels))], labels, fontsize=8)
    lines.set(xlabel=f"two-theta (degrees at {wavelength:g} Å)", ylim=(-len(labels) + 0.5, 0.5))
    curve.set(ylabel="intensity", title=pattern.path, xlim=_angle(np.array(limits), wavelength))
    curve.title.set(fontsize=9, parse_math=False)  # file names may contain dollar signs
    for axes in (curve, lines):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    FigureCanvasAgg(figure).print_figure(str(path), format="png", dpi=110)


def _draw_lines(curve: Axes, lines: Axes, row: int, phase: Found, wavelength: float) -> None:
    """Draw a phase's lines across the pattern, stronger ones darker, and as ticks in its row below."""
    strong = phase.lines.strength >= WEAKEST
    angles = _angle(phase.q[strong], wavelength)
    for angle, strength in zip(angles, phase.lines.strength[strong], strict=True):
        opacity = 0.15 + 0.6 * float(np.sqrt(strength))
        curve.axvline(angle, color=phase.colour, linewidth=0.8, alpha=opacity)
    lines.vlines(angles, -row - 0.4, -row + 0.4, color=phase.colour, linewidth=1.2)


def _angle(q: NDArray[np.float64], wavelength: float) -> NDArray[np.float64]:
    return two_theta_of(q, wavelength, beyond=180.0)  # limits of the plot must be finite
