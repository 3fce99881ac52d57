"""The measured micro-XRD patterns, and rows of figures with intervals over seeds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from fedbragg.simulation.powder import SHIPPED, shipped_phases
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.metrics import metrics_by_phase
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDER = DATA / "micro-xrd-hydrothermal"
WAVELENGTH = 0.5608
KINDS = ("unmasked", "masked")
DOUBTFUL = (16, 17, 62)
"""Labelled "calcite only"; they show no line of calcite."""
T95 = 2.776
"""Student's t for 5 seeds."""
SETTINGS = PatternSettings()
PHASES = shipped_phases()


class Measured:
    """The measured patterns of one kind, in the order of their file numbers."""

    def __init__(self, kind: str) -> None:
        files = sorted((FOLDER / kind).glob("xy_*.npy"), key=_number)
        self.patterns = [read_pattern(file, WAVELENGTH) for file in files]
        self.raw = [np.load(file) for file in files]
        self.number = np.array([_number(file) for file in files])
        letters = [file.stem.split("_")[1] for file in files]
        self.truth = np.array([["b" in word, "c" in word, "r" in word] for word in letters], dtype=float)
        views = torch.from_numpy(np.stack([prepare_pattern(p, SETTINGS) for p in self.patterns]))
        labels = torch.from_numpy(self.truth.astype(np.float32))
        self.data = PhaseData(views, labels, torch.ones(len(files), dtype=torch.bool))


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def interval(values: Sequence[float]) -> str:
    """Write a mean over seeds with its 95 % interval."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return f"{array.mean():.3f}"
    half = T95 * array.std(ddof=1) / np.sqrt(len(array))
    return f"{array.mean():.3f} ± {half:.3f}"


Score = Callable[[PhaseData], np.ndarray]
COLUMNS = (
    "method", "patterns", "mean accuracy", "without 16, 17", "mean balanced accuracy",
    *(f"{figure} {name}" for figure in ("AUC", "accuracy", "balanced") for name in SHIPPED),
)  # fmt: skip


def row(
    method: str,
    measured: Measured,
    kind: str,
    scores: Sequence[np.ndarray],
    kept: Sequence[np.ndarray] | None = None,
) -> list[str]:
    """Judge each seed's probabilities; ``kept`` says by seed which patterns are judged by."""
    chosen = kept or [np.ones(len(measured.number), bool)] * len(scores)
    whole = [metrics_by_phase(measured.truth[k], s[k]) for s, k in zip(scores, chosen, strict=True)]
    sure = [k & ~np.isin(measured.number, DOUBTFUL) for k in chosen]
    clear = [metrics_by_phase(measured.truth[k], s[k]) for s, k in zip(scores, sure, strict=True)]

    def mean(judged: list[list[dict]], name: str) -> list[float]:
        return [float(np.nanmean([phase[name].value for phase in seed])) for seed in judged]

    def one(name: str, phase: int) -> str:
        values = [seed[phase][name].value for seed in whole]
        return interval([v for v in values if np.isfinite(v)] or [np.nan])

    cells = [
        interval(mean(whole, "accuracy")),
        interval(mean(clear, "accuracy")),
        interval(mean(whole, "balanced accuracy")),
    ]
    cells += [
        one(name, phase) for name in ("AUC", "accuracy", "balanced accuracy") for phase in range(len(SHIPPED))
    ]
    return [method, kind, *cells]


def rows(method: str, measured: dict[str, Measured], score: Sequence[Score]) -> list[list[str]]:
    return [row(method, measured[kind], kind, [one(measured[kind].data) for one in score]) for kind in KINDS]
