"""Every hit finder in one form: a decoded frame in, score and CPU milliseconds out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from baselines.counters import CountSpots, best_threshold
from baselines.networks import BASELINES, Baseline
from baselines.pictures import picture
from baselines.simulated import Simulated
from baselines.training import Spent, score, trained, trained_spotnet
from fedbragg.metrics.roc import area_under_curve
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.network import SpotNet
from fedbragg.tasks.hits.prepare import prepare
from fedbragg.types import Frame, Geometry

OURS = "fedbragg"
THRESHOLD = 0.5
Judge = Callable[[Frame, Geometry], tuple[float, float]]


@dataclass
class Method:
    """One column of the table of frames, one row of the summary."""

    name: str
    judge: Judge
    threshold: float | None  # None: unknown without simulated frames
    spent: Spent | None = None
    simulated_auc: str = "-"  # on simulated frames that nobody trained on
    scores: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)


def packaged(model: Path, made: Simulated | None) -> Method:
    """Return the model that is being judged."""
    parameters = sum(parameter.numel() for parameter in SpotNet().parameters())
    return _by_model(OURS, model, Spent(parameters, float("nan"), 0), made)


def same_budget(made: Simulated, seconds: float, folder: Path) -> Method:
    """Return our network trained on the baselines' frames, for as long as they."""
    return _by_model("spotnet, same budget", *trained_spotnet(made, seconds, folder), made)


def networks(made: Simulated, seconds: float, folder: Path) -> list[Method]:
    """Return the papers' networks, trained."""
    return [_by_network(baseline, made, *trained(baseline, made, seconds, folder)) for baseline in BASELINES]


def counting(name: str, counter: CountSpots, made: Simulated | None) -> Method:
    """Return a spot finder whose count is the score, its threshold from simulated frames."""

    def judge(frame: Frame, geometry: Geometry) -> tuple[float, float]:
        rows, cols = frame.counts.shape
        number, milliseconds = counter(frame, geometry.beam_centre or (cols / 2, rows / 2), 1.0)
        return float(number), milliseconds

    if made is None or name not in made.counts:
        return Method(name, judge, None)
    counts = made.counts[name].astype(float)
    area = area_under_curve(made.held_out_positive, counts)
    return Method(name, judge, best_threshold(counts, made.held_out_positive), simulated_auc=str(area))


def _by_model(name: str, model: Path, spent: Spent, made: Simulated | None) -> Method:
    scorer = Scorer(model)

    def judge(frame: Frame, geometry: Geometry) -> tuple[float, float]:
        start = time.thread_time()
        value, _ = scorer(prepare(frame, scorer.card.prepare))
        return value, 1e3 * (time.thread_time() - start)

    method = Method(name, judge, THRESHOLD, spent)
    if made is not None:
        method.simulated_auc = _simulated_auc(made, made.scores(scorer))
    return method


def _by_network(baseline: Baseline, made: Simulated, network: nn.Module, spent: Spent) -> Method:
    def judge(frame: Frame, geometry: Geometry) -> tuple[float, float]:
        start = time.thread_time()
        value = score(network, baseline, picture(frame))
        return value, 1e3 * (time.thread_time() - start)

    held_out = np.flatnonzero(made.held_out)
    values = np.array([score(network, baseline, made.pictures[i]) for i in held_out])
    return Method(baseline.name, judge, THRESHOLD, spent, _simulated_auc(made, values))


def _simulated_auc(made: Simulated, values: NDArray[np.float64]) -> str:
    return str(area_under_curve(made.held_out_positive, values))
