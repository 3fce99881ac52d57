"""spotnet learning at the five named facilities on a virtual clock: one run of one schedule, recorded as a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.joining_facilities import Facility, chosen
from fedbragg.config import Federation
from fedbragg.federation import ProgressEvent, RecordingSettings, federate
from fedbragg.federation.engines.virtual import SimulatedLink, SimulatedNetwork
from fedbragg.federation.trainer import ChangedTrainer, Trainer
from fedbragg.metrics.classification import summary
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import pretrain
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import PUBLIC_FRAMES, HitsTask
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State, Update

FEWEST_FRAMES, MOST_FRAMES = 20, 60
"""Labelled frames of a site, drawn between the two."""
BARRIERS, WARMUP, EPOCHS = 6, 15, 5
"""The defaults of a federation."""
DEADLINE = 1.25
"""In trainings of the slowest site before its first update, which are the longest."""
POINTS = 16
"""Times between 0 and the end of sync at which the newest model is judged."""
TASK = HitsTask(HitsSettings(public_frames=PUBLIC_FRAMES), PrepareSettings())
Curve = dict[str, list[float]]
"""The seconds of the clock under "time", and each metric at these, the mean over the facilities."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How fast the sites are, how often a message is lost, and the number of barriers of schedules other than sync."""

    spread: float  # the slowest site's time for an epoch over the fastest's
    loss: float = 0.0  # probability that a model or an update is lost and sent again
    barriers: int = BARRIERS  # after which schedules other than sync end

    @property
    def title(self) -> str:
        """Return the condition in words."""
        return f"{self.spread:g}x" + (f", {self.loss:.0%} lost" if self.loss else "")


@dataclass(slots=True)
class KeptModels:
    """The models that were sent to sites, by version, and when."""

    models: dict[int, State] = field(default_factory=dict)
    sent: dict[int, float] = field(default_factory=dict)  # seconds on the clock

    def note(self, event: ProgressEvent) -> None:
        """Note when a version was first sent."""
        if event.event == "sent" and event.version is not None:
            self.sent.setdefault(event.version, event.time)

    def train(self, trainer: Trainer, model: State, version: int, epochs: int) -> Update:
        """Keep the model that a site is sent, and have it train."""
        self.models.setdefault(version, {name: np.array(tensor) for name, tensor in model.items()})
        return trainer.train(model, version, epochs)

    def newest(self, time: float) -> State | None:
        """Return the model that was the newest at a time; None where it was never trained on."""
        known = [version for version, at in self.sent.items() if at <= time and version in self.models]
        return self.models[max(known)] if known else None


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One schedule under one condition with one seed."""

    members: Mapping[str, HitData]  # each site's training frames
    tests: Sequence[HitData]
    seconds: Mapping[str, float]  # for an epoch, by site
    settings: Federation
    loss: float

    @staticmethod
    def of(facilities: Sequence[Facility], condition: Condition, seed: int, rules: Mapping[str, Any]) -> Run:
        """Draw the sites' frames and speeds; equal seeds draw the same for all schedules and conditions."""
        generator = np.random.default_rng([seed, 3])
        counts = generator.integers(FEWEST_FRAMES, MOST_FRAMES + 1, len(facilities))
        members = {f.name: chosen(f.pool, int(n), generator) for f, n in zip(facilities, counts, strict=True)}
        durations = condition.spread ** np.linspace(0, 1, len(facilities))
        generator.shuffle(durations)
        seconds = {f.name: float(d) for f, d in zip(facilities, durations, strict=True)}
        deadline = DEADLINE * WARMUP * float(durations.max())
        tests = [facility.test for facility in facilities]
        return Run(members, tests, seconds, settings(seed, deadline, list(members), rules), condition.loss)

    @property
    def end(self) -> float:
        """Return the seconds after which the last barrier passes where nothing is lost."""
        return epochs_to(self.settings.federation.barriers) * max(self.seconds.values())

    def curve(self, end: float | None = None) -> Curve:
        """Train, and judge the newest model at times up to ``end``, else up to the end of the run."""
        kept = KeptModels()
        training = self.settings.training
        trainers = [
            ChangedTrainer(
                TaskSite(n, TASK, d, training, self.settings.seed, len(d) / self.seconds[n]), kept.train
            )
            for n, d in self.members.items()
        ]
        links = {name: SimulatedLink(loss=self.loss) for name in self.members}
        outcome = federate(
            self.settings,
            trainers,
            pretrain(None, 0, self.settings.seed),
            recording=RecordingSettings(kept.note),
            network=SimulatedNetwork(links, self.settings.federation, self.settings.seed),
        )
        over = float(outcome.history[-1]["time"])
        times = np.linspace(0, end or over, POINTS + 1)
        judged = [
            self.judge(outcome.model if time >= over else kept.newest(time) or outcome.model)
            for time in times
        ]
        return {"time": times.tolist(), **{key: [one[key] for one in judged] for key in judged[0]}}

    def judge(self, model: State) -> dict[str, float]:
        """Return each metric of a model, the mean over the facilities."""
        found = [_judged(data.truth, TASK.answers(model, data)) for data in self.tests]
        return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def epochs_to(barriers: int) -> int:
    """Return the epochs that the slowest site trains until so many barriers have passed."""
    return WARMUP + EPOCHS * (barriers - 1)


def settings(seed: int, deadline: float, sites: Sequence[str], rules: Mapping[str, Any]) -> Federation:
    """Return the federation's settings; ``rules`` are those of [federation]."""
    return Federation.model_validate(
        {
            "seed": seed,
            "training": {"warmup_epochs": WARMUP, "epochs": EPOCHS},
            "federation": {
                "barriers": BARRIERS,
                "deadline": deadline,
                "patience": 10**6,
                "workers": 1,
                **rules,
            },
            "server": {"address": "none:1"},
            "sites": [{"name": name} for name in sites],
        }
    )


def _judged(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, float]:
    found = summary(truth, scores, 0.5)
    right = np.clip(np.where(truth, scores, 1 - scores), 1e-7, 1)
    return {
        "balanced accuracy": found["balanced accuracy"].value,
        "AUC": found["AUC"].value,
        "log loss": float(-np.log(right).mean()),
    }
