"""The arms of FedKL's table, and one run of an arm: a federation, each site alone, or all frames in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from baselines.paper_partitions import IN_TEST, Indices, Split
from baselines.paper_weights import Weights, best_convex
from fedbragg.config import Federation
from fedbragg.federation import Rule, Trainer, federate
from fedbragg.federation.engines.virtual import SimulatedLink, SimulatedNetwork
from fedbragg.federation.rules import RULES, registered, rule_of
from fedbragg.federation.rules.rule import AT_BARRIERS, WeighSteps
from fedbragg.federation.rules.weights import Profile
from fedbragg.learn.settings import LocalTerms
from fedbragg.types import Label, State

BARRIERS, WARMUP, EPOCHS = 5, 15, 5
LATENCY = 2.5
"""Seconds that a model or an update travels, on the federation's clock; without it a small site would send dozens of
updates while a large one trains."""
UNCHECKED = 1e6
"""Factor in the checks for hostile sites and for claimed numbers of frames, which would change the weights."""
PROBLEMS = ("failed", "rejected", "left")
TEST_SHARE = 1 - IN_TEST[Label.MISS] / sum(IN_TEST.values())
"""Share of hits and maybes in the test set."""
CEILING = "best weights"


@dataclass(frozen=True, slots=True)
class PaperArm:
    """One way to train."""

    name: str
    aggregation: str = "fedavg"
    joined: bool = True  # False: each site alone
    pooled: bool = False
    group_norm: bool = False  # in the place of BatchNorm
    own_batch_norm: bool = False  # FedBN
    balanced: bool = False  # sampling of classes at the sites


ARMS = (
    PaperArm("FedAvg by size"),
    PaperArm("FedKL", "fedkl"),
    PaperArm(CEILING, CEILING),
    PaperArm("FedBN", own_batch_norm=True),
    PaperArm("GroupNorm", group_norm=True),
    PaperArm("class-balanced sampling", balanced=True),
    PaperArm("logit shift in training", "fedavg_prior"),
    PaperArm("FedAvg uniform", "fedavg_uniform"),
    PaperArm("FedDisco", "feddisco"),
    PaperArm("each alone", joined=False),
    PaperArm("pooled", pooled=True),
)
"""The others are compared with the first; the most important come first."""


@runtime_checkable
class BatchNormSite(Protocol):
    """A site whose network has BatchNorm."""

    @property
    def own(self) -> State:
        """Return its BatchNorm tensors after the last training."""
        ...


class Learner(Protocol):
    """The interface shared by networks on crops and spotnet on peaks."""

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return which of all frames are hit or maybe."""
        ...

    def start(self, seed: int) -> State:
        """Return a new model."""
        ...

    def site(self, name: str, frames: Indices, arm: PaperArm, seed: int, terms: LocalTerms) -> Trainer:
        """Return a site that trains on these frames."""
        ...

    def logits(self, state: State, frames: Indices) -> NDArray[np.float64]:
        """Return a model's logits of frames."""
        ...

    def mixed_logits(
        self, start: State, steps: Sequence[State], frames: Indices
    ) -> Callable[[Weights], NDArray[np.float64]]:
        """Return the function that judges frames by a start plus a weighted sum of steps."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PaperRun:
    """One arm with one seed."""

    learner: Learner
    split: Split
    arm: PaperArm
    seed: int
    barriers: int = BARRIERS

    def result(self) -> dict[str, Any]:
        """Train, and return the test frames' labels, each model's logits of them, and any problems, as JSON."""
        start = self.learner.start(self.seed)
        groups = _groups(self.arm, self.split)
        found = [self.trained(start, group) for group in groups]
        test = self.split.test
        return {
            "positive": [int(hit) for hit in self.learner.positive[test]],
            "logits": [_rounded(self.learner.logits(model, test)) for models, _ in found for model in models],
            "sites": [[len(t), int(self.learner.positive[t].sum())] for t in self.split.train],
            "weights": [
                line["weights"] for _, history in found for line in history if line["event"] == "barrier"
            ],
            "updates": sum(line["event"] == "update" for _, history in found for line in history),
            "problems": [
                f"{line.get('site')}: {line['event']}: {line.get('reason')}"
                for _, history in found
                for line in history
                if line["event"] in PROBLEMS
            ],
        }

    def trained(self, start: State, group: dict[str, Indices]) -> tuple[list[State], list[dict[str, Any]]]:
        """Return the models of one federation, one for each site where BatchNorm stays there, and its history."""
        with self._rule() as rule:
            return self._federated(start, group, self._settings(list(group), rule))

    def _federated(
        self, start: State, group: dict[str, Indices], settings: Federation
    ) -> tuple[list[State], list[dict[str, Any]]]:
        terms = rule_of(settings.federation).local_terms(settings.federation)
        sites = [
            self.learner.site(name, frames, self.arm, self.seed, terms) for name, frames in group.items()
        ]
        links = {name: SimulatedLink(latency=LATENCY) for name in group}
        network = SimulatedNetwork(links, settings.federation, self.seed)
        outcome = federate(settings, sites, start, network=network)
        if not self.arm.own_batch_norm:
            return [outcome.model], outcome.history
        kept = [site.own if isinstance(site, BatchNormSite) else {} for site in sites]
        return [{**outcome.model, **own} for own in kept], outcome.history

    def _settings(self, sites: Sequence[str], rule: str) -> Federation:
        federation = {
            "aggregation": rule,
            "schedule": "hybrid" if len(sites) > 1 else "sync",
            "barriers": self.barriers,
            "local_batchnorm": self.arm.own_batch_norm,
            "norm_factor": UNCHECKED,
            "sample_factor": UNCHECKED,
            "workers": 1,
        }
        table = {
            "seed": self.seed,
            "federation": federation,
            "training": {"warmup_epochs": WARMUP, "epochs": EPOCHS},
            "server": {"address": "none:1"},
            "sites": [{"name": name} for name in sites],
        }
        return Federation.model_validate(table)

    def _rule(self) -> AbstractContextManager[str]:
        """Return the name of the arm's rule; the search for the best weights is a rule for its own arm alone."""
        if self.arm.aggregation != CEILING:
            return nullcontext(self.arm.aggregation)
        search = Rule(weights_of_steps=self._best_weights(), schedules=AT_BARRIERS)
        return registered(CEILING, search)

    def _best_weights(self) -> WeighSteps:
        """Return the search for the weights of lowest validation loss, with the classes' shares of the test set."""
        frames = self.split.all_validation
        positive = self.learner.positive[frames]

        def weigh(
            start: State, steps: Sequence[State], profiles: Sequence[Profile], settings: Any
        ) -> Weights:
            judged = self.learner.mixed_logits(start, steps, frames)
            named = [
                RULES[rule].weights(profiles, settings)
                for rule in ("fedavg", "fedkl", "feddisco", "fedavg_uniform")
            ]
            return best_convex(lambda weights: weighted_loss(judged(weights), positive), len(steps), named)

        return weigh


def weighted_loss(
    logits: NDArray[np.float64], positive: NDArray[np.bool_], share: float = TEST_SHARE
) -> float:
    """Return the cross-entropy of logits (frames,) as if ``share`` of the frames were positive."""
    loss = np.logaddexp(0, np.where(positive, -logits, logits))
    return float(share * loss[positive].mean() + (1 - share) * loss[~positive].mean())


def _groups(arm: PaperArm, split: Split) -> list[dict[str, Indices]]:
    """Return who trains together, and on which frames."""
    sites = {f"site-{number + 1}": frames for number, frames in enumerate(split.train)}
    if arm.pooled:
        return [{"all": split.pooled}]
    return [sites] if arm.joined else [{name: frames} for name, frames in sites.items()]


def _rounded(logits: NDArray[np.float64]) -> list[float]:
    return [round(float(logit), 4) for logit in logits]
