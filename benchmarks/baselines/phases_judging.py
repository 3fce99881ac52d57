"""The measured micro-XRD patterns, labelled by name and by line, and rows of figures with intervals."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student_t

from baselines.phases_by_lines import findings, signal_of
from fedbragg.metrics.estimate import Estimate
from fedbragg.simulation.powder import SHIPPED, shipped_phases
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.metrics import mean_metrics, metrics_by_phase
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern
from fedbragg.tasks.phases.sources import lines_of

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDER = DATA / "micro-xrd-hydrothermal"
WAVELENGTH = 0.5608
KINDS = ("unmasked", "masked")
LABELS = ("names", "lines")
"""A pattern's phases by its file's name, and by its lines (docs/decisions/0119)."""
JUDGED = {"names": "names", "names where lines decide": "names", "lines": "lines"}
"""The labels that judge, and those that train with them; the middle one judges the patterns of the last by name."""
T95 = 2.776
"""Student's t for 5 seeds."""
SETTINGS = PatternSettings()
PHASES = shipped_phases()
LINES = lines_of(PHASES, SETTINGS)


class Measured:
    """The measured patterns of one kind, in the order of their file numbers."""

    def __init__(self, kind: str) -> None:
        self.files = sorted((FOLDER / kind).glob("xy_*.npy"), key=_number)
        self.patterns = [read_pattern(file, WAVELENGTH) for file in self.files]
        self.raw = [np.load(file) for file in self.files]
        self.number = np.array([_number(file) for file in self.files])
        letters = [file.stem.split("_")[1] for file in self.files]
        named = np.array([["b" in word, "c" in word, "r" in word] for word in letters], dtype=float)
        self.views = np.stack([prepare_pattern(p, SETTINGS) for p in self.patterns])
        self.found = [findings(signal_of(view, SETTINGS), LINES) for view in self.views]
        shown = np.array([[one.label for one in found] for found in self.found])
        decided = np.where(shown < 0, -1.0, named)
        # Each (patterns, phases), 1, 0, or -1 for open.
        self.truth = dict(zip(JUDGED, (named, decided, shown), strict=True))
        self.data = self.labelled("names")

    def labelled(self, labels: str) -> PhaseData:
        """Return the prepared patterns with labels by name or by line."""
        truth = torch.from_numpy(self.truth[labels].astype(np.float32))
        return PhaseData(torch.from_numpy(self.views), truth, torch.ones(len(truth), dtype=torch.bool))


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def interval(values: Sequence[float]) -> str:
    """Write a mean over five seeds with its 95 % interval."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return f"{array.mean():.3f}"
    half = T95 * array.std(ddof=1) / np.sqrt(len(array))
    return f"{array.mean():.3f} ± {half:.3f}"


def estimated(values: Sequence[Estimate]) -> str:
    """Write a mean over seeds with its 95 % interval, or one seed's figure with its interval over the patterns."""
    if len(values) == 1:
        one = values[0]
        return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
    array = np.array([one.value for one in values])
    finite = array[np.isfinite(array)]
    if len(finite) < 2:
        return "-"
    spread = student_t.ppf(0.975, len(finite) - 1) * finite.std(ddof=1) / np.sqrt(len(finite))
    return f"{finite.mean():.3f} ± {spread:.3f}"


Score = Callable[[PhaseData], np.ndarray]
FIGURES = ("AUC", "accuracy", "balanced accuracy")
COLUMNS = (
    "method", "patterns", "labels", "mean accuracy", "mean balanced accuracy", "mean AUC",
    *(f"{figure} {name}" for figure in ("AUC", "accuracy", "balanced") for name in SHIPPED),
)  # fmt: skip


def row(
    method: str,
    kind: str,
    labels: str,
    truth: np.ndarray,
    scores: Sequence[np.ndarray],
    kept: Sequence[np.ndarray] | None = None,
) -> list[str]:
    """Judge each seed's probabilities by labels of one kind; ``kept`` says by seed which patterns are judged by."""
    chosen = kept or [np.ones(len(truth), bool)] * len(scores)
    seeds = [metrics_by_phase(truth[k], s[k]) for s, k in zip(scores, chosen, strict=True)]
    means = [mean_metrics(phases) for phases in seeds]
    cells = [estimated([mean[name] for mean in means]) for name in ("accuracy", "balanced accuracy", "AUC")]
    cells += [
        estimated([seed[phase][name] for seed in seeds]) for name in FIGURES for phase in range(len(SHIPPED))
    ]
    return [method, kind, labels, *cells]


def rows(method: str, measured: dict[str, Measured], score: Sequence[Score]) -> list[list[str]]:
    """Judge each seed's network on both kinds of patterns, by each kind of labels."""
    answers = {kind: [one(measured[kind].data) for one in score] for kind in KINDS}
    return [
        row(method, kind, labels, measured[kind].truth[labels], answers[kind])
        for labels in JUDGED
        for kind in KINDS
    ]
