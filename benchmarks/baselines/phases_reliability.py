"""How reliable the probabilities of phases are: by loss on simulated validation patterns, and of the shipped model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from baselines.phases_disagreements import identified
from baselines.phases_judging import KINDS, LABELS, Measured, Score, interval
from baselines.phases_patterns import SEEDS, TASK, kept
from fedbragg.metrics.reliability import brier, calibration_error
from fedbragg.metrics.roc import area_under_curve
from fedbragg.simulation.powder import SHIPPED
from fedbragg.tasks.phases.calibration import calibrated, fit_calibration
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.settings import LossName
from harness import Table

VALIDATION = 3_000
"""Simulated patterns that no network trains on: one half calibrates, the other judges."""
FLOOR = 1e-9
"""Smallest probability in the log loss."""


def validation() -> tuple[PhaseData, PhaseData]:
    """Return the half that calibrates and the half that judges."""
    made = kept(VALIDATION, 900)
    return made[: VALIDATION // 2], made[VALIDATION // 2 :]


def choice_of_loss(
    losses: Sequence[LossName], state_of: Callable[[LossName, int], dict[str, np.ndarray]]
) -> Table:
    """Judge networks of each loss, calibrated alike, by simulated patterns; the first loss is compared with."""
    judged = {loss: [_judged(state_of(loss, seed)) for seed in SEEDS] for loss in losses}
    reference = np.array(judged[losses[0]])
    listed = []
    for loss, seeds in judged.items():
        difference = np.array(seeds)[:, 0] - reference[:, 0]
        columns = [interval(column) for column in np.array(seeds).T]
        listed.append([loss, *columns, "-" if loss == losses[0] else interval(difference)])
    columns = (
        "loss", "log loss", "log loss before calibration", "Brier score", "calibration error",
        "calibration error before", "AUC", f"log loss less that of {losses[0]}",
    )  # fmt: skip
    note = (
        f"Mean over the phases, on {VALIDATION // 2} simulated patterns; as many others calibrate. The difference is "
        f"paired by seed. The rule of docs/decisions/0120: {losses[0]} stays unless an interval lies below zero."
    )
    return Table("The losses on simulated validation patterns", columns, listed, [note])


def score_of(state: dict[str, np.ndarray]) -> Score:
    """Return a function that gives calibrated probabilities, as a model trained from structures gives them."""
    fitting = validation()[0]
    maps = fit_calibration(fitting.truth, TASK.probabilities(state, fitting))
    return lambda data: calibrated(maps, TASK.probabilities(state, data))


def _judged(state: dict[str, np.ndarray]) -> tuple[float, ...]:
    judging = validation()[1]
    before, after = TASK.probabilities(state, judging), score_of(state)(judging)
    truth = judging.truth
    return (
        over_phases(log_loss, truth, after),
        over_phases(log_loss, truth, before),
        over_phases(brier, truth, after),
        over_phases(calibration_error, truth, after),
        over_phases(calibration_error, truth, before),
        over_phases(lambda shown, p: area_under_curve(shown, p).value, truth, before),
    )


def over_phases(
    measure: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, probability: np.ndarray
) -> float:
    """Average a measure over the phases, each by its known labels."""
    columns = [(t >= 0, t, p) for t, p in zip(truth.T, probability.T, strict=True)]
    return float(np.mean([measure(t[known] > 0, p[known]) for known, t, p in columns]))


def log_loss(shown: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean negative logarithm of the true answer's probability."""
    right = np.where(shown, probability, 1 - probability)
    return float(-np.log(np.maximum(right, FLOOR)).mean())


def reliable(measured: dict[str, Measured]) -> Table:
    """Judge the shipped model's probabilities, with and without its calibration."""
    listed = []
    judging = validation()[1]
    sets = [("simulated", "visible", judging.views.numpy(), judging.truth)]
    for kind in KINDS:
        sets += [(kind, labels, measured[kind].views, measured[kind].truth[labels]) for labels in LABELS]
    for patterns, labels, views, truth in sets:
        for said, scores in (("network", identified(views, raw=True)), ("calibrated", identified(views))):
            figures = [over_phases(m, truth, scores) for m in (log_loss, brier, calibration_error)]
            counts = [f"{int((truth[:, k] >= 0).sum())}" for k in range(len(SHIPPED))]
            listed.append(
                [patterns, labels, said, *(f"{figure:.3f}" for figure in figures), "/".join(counts)]
            )
    columns = (
        "patterns", "labels", "probability", "log loss", "Brier score", "calibration error", "labels counted",
    )  # fmt: skip
    note = (
        f"Mean over the phases. The model is calibrated on simulated patterns that are neither these {VALIDATION // 2} "
        "nor any that it trained on. Calibration error over ten bins of equally many patterns."
    )
    return Table("How reliable the shipped model's probabilities are", columns, listed, [note])
