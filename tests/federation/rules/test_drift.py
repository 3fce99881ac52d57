"""SCAFFOLD and FedDyn: they reach the minimum of all sites' losses together, where FedAvg ends elsewhere.

The sites' losses are parabolas a (w - b)^2 / 2, so every minimum is known: of one site b, of their sum the mean of b
weighed by a.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.corrections import split_correction
from fedbragg.errors import ConfigError
from fedbragg.federation import Ensemble, ProgressEvent, RecordingSettings, federate
from fedbragg.federation.rules.drift import Report, control_variate, first_order, over_alpha, towards_mean
from fedbragg.types import State, Update

START = {"w": np.array([2.0, 2.0])}
ALL = np.array([(1 * 0 + 4 * 1) / 5, (1 * 3 + 4 * -1) / 5])
"""Where the sum of both sites' losses is smallest."""


@dataclass
class Parabola:
    """A site whose loss is curvature * |w - centre|^2 / 2."""

    name: str
    curvature: float
    centre: tuple[float, float]
    alpha: float = 0.0  # FedDyn's; 0 makes ten steps of gradient descent
    samples: int = 50
    speed: float = 1.0

    def gradient(self, w: np.ndarray) -> np.ndarray:
        return self.curvature * (w - np.array(self.centre))

    def train(self, model: State, version: int, epochs: int) -> Update:
        weights, beside = split_correction(model)
        start, correction = weights["w"], beside.get("w", np.zeros(2))
        w = self._minimum(start, correction) if self.alpha else self._descent(start, correction)
        gradient = {} if self.alpha else {"w": self.gradient(start)}
        step = {"w": w - start}
        return Update(self.name, version, step, self.samples, ((25, 25),), 1.0, gradient=gradient)

    def _descent(self, start: np.ndarray, correction: np.ndarray) -> np.ndarray:
        w = start
        for _ in range(10):
            w = w - 0.05 * (self.gradient(w) + correction)
        return w

    def _minimum(self, start: np.ndarray, correction: np.ndarray) -> np.ndarray:
        pull = self.curvature * np.array(self.centre) - correction + self.alpha * start
        return pull / (self.curvature + self.alpha)


def sites(alpha: float = 0.0) -> list[Parabola]:
    return [Parabola("a", 1.0, (0.0, 3.0), alpha), Parabola("b", 4.0, (1.0, -1.0), alpha)]


def plain(site: Parabola) -> Parabola:
    train = site.train
    site.train = lambda *arguments: replace(train(*arguments), gradient={})  # type: ignore[method-assign]
    return site


def test_scaffold_reaches_the_common_minimum_and_fedavg_does_not(settings) -> None:
    rules = {"schedule": "sync", "barriers": 40, "norm_factor": 1e6}
    found = federate(settings(aggregation="scaffold", **rules), sites(), START).model["w"]
    assert found == pytest.approx(ALL, abs=1e-3)
    average = federate(settings(aggregation="fedavg", **rules), [plain(s) for s in sites()], START).model["w"]
    assert abs(average - ALL).max() > 0.05


def test_feddyn_reaches_the_common_minimum_with_exact_local_minima(settings) -> None:
    rules = {"schedule": "sync", "barriers": 80, "norm_factor": 1e6, "feddyn_alpha": 0.5}
    found = federate(settings(aggregation="feddyn", **rules), sites(alpha=0.5), START).model["w"]
    assert found == pytest.approx(ALL, abs=1e-3)
    # Without the correction the models' mean stays put where the sites' pulls cancel, another point.
    average = federate(settings(aggregation="fedavg", **rules), sites(alpha=0.5), START).model["w"]
    assert abs(average - ALL).max() > 0.05


def test_scaffolds_correction_worked_by_hand() -> None:
    report = Report({}, {"w": np.array([3.0])})
    assert control_variate({}, report, FederationSettings())["w"] == [3.0]
    assert towards_mean({"w": np.array([3.0])}, {"w": np.array([1.0])})["w"] == [-2.0]  # c - c_i
    assert towards_mean({}, {"w": np.array([1.0])})["w"] == [1.0]  # a site never heard: c_i = 0


def test_feddyns_state_worked_by_hand() -> None:
    settings = FederationSettings(feddyn_alpha=0.5)
    step = {"w": np.array([4.0]), "n": np.array([7]), "bn.running_mean": np.array([1.0])}
    after = first_order({"w": np.array([1.0])}, Report(step, {}), settings)
    assert {name: tensor.tolist() for name, tensor in after.items()} == {"w": [-1.0]}  # 1 - 0.5 * 4
    assert over_alpha(after, settings)["w"] == [2.0]  # the model moves by -h / alpha


@pytest.mark.parametrize(("aggregation", "alpha"), [("scaffold", 0.0), ("feddyn", 0.01)])
def test_an_interrupted_federation_ends_with_the_same_model(
    settings, tmp_path: Path, aggregation: str, alpha: float
) -> None:
    """What is remembered of the sites is part of the checkpoint."""
    rules = settings(aggregation=aggregation, schedule="sync", barriers=4, norm_factor=1e6)

    def interrupt(event: ProgressEvent) -> None:
        if event.event == "barrier" and event.barrier == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recording = RecordingSettings(listener=interrupt, checkpoints=tmp_path)
        federate(rules, sites(alpha), START, recording=recording)
    rest = federate(rules, sites(alpha), START, recording=RecordingSettings(checkpoints=tmp_path))
    through = federate(rules, sites(alpha), START)
    assert rest.model.keys() == {"w"}
    np.testing.assert_array_equal(rest.model["w"], through.model["w"])


def rejections(rules, trainers) -> list[str]:
    history = federate(rules, trainers, START).history
    return [line["reason"] for line in history if line["event"] == "rejected"]


def test_an_update_without_what_the_rule_asks_does_not_count(settings) -> None:
    rules = {"schedule": "sync", "barriers": 1, "patience": 1}
    mixed = [plain(sites()[0]), sites()[1]]
    assert rejections(settings(aggregation="scaffold", **rules), mixed) == [
        "it lacks the gradient that the rule asks for"
    ]
    asked = "it holds a gradient that the rule does not ask for"
    assert rejections(settings(aggregation="fedavg", **rules), mixed) == [asked]
    steps = "it names no steps of its optimiser, which the rule divides by"
    assert steps in rejections(settings(aggregation="fednova", **rules), sites(alpha=1.0))


def test_several_networks_are_refused(settings) -> None:
    ensemble = Ensemble({"a": "one", "b": "two"})
    with pytest.raises(ConfigError, match="scaffold compares or corrects steps of one network"):
        federate(settings(aggregation="scaffold", schedule="sync"), sites(), START, ensemble=ensemble)
