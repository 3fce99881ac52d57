"""An aggregation rule as one row: its fields hold all differences from other rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.drift import Drift
from fedbragg.federation.rules.weights import Profile, Weights, by_size
from fedbragg.learn.settings import Calibration, LocalTerms
from fedbragg.state_arithmetic import apply_steps
from fedbragg.types import State

Weigh = Callable[[Sequence[Profile], FederationSettings], Weights]
WeighSteps = Callable[[State, Sequence[State], Sequence[Profile], FederationSettings], Weights]
"""Takes the model before, each site's step and profile, and the settings."""
Combine = Callable[[State, Sequence[State], Sequence[float], FederationSettings], dict[str, NDArray[Any]]]
"""Takes the model before, each site's step (its model minus that one) and weight, and the settings; returns the model
after."""

Amount = Literal["site", "samples", "balance"]
"""The amount by which a site counts: one, its labelled frames, or its label entropy."""
Schedule = Literal["sync", "async", "hybrid", "compass"]
SCHEDULES: frozenset[Schedule] = frozenset({"sync", "async", "hybrid", "compass"})
UNGROUPED: frozenset[Schedule] = frozenset({"sync", "async", "hybrid"})
"""The schedules in which an arrival is never combined with others."""
AT_BARRIERS: frozenset[Schedule] = frozenset({"sync", "hybrid"})
"""The schedules in which a barrier combines all sites' steps."""
IN_ROUNDS: frozenset[Schedule] = frozenset({"sync"})


def weighted_mean(
    start: State, steps: Sequence[State], weights: Sequence[float], settings: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Return ``start + sum(weight * step)``."""
    return apply_steps(start, steps, weights)


@dataclass(frozen=True, slots=True)
class Rule:
    """One aggregation rule."""

    weights: Weigh = by_size
    """Each site's weight from its profile: (sites,) shares that sum to one."""
    weights_of_steps: WeighSteps | None = None
    """The same from the steps themselves; used at a barrier for which every site was drawn."""
    combine: Combine = weighted_mean
    """Combines all steps into the model after a barrier."""
    on_arrival: Literal["step", "mix", "recombine"] = "step"
    """The effect of one update on the model on arrival: add its damped step, mix in its site's model, or apply
    ``combine`` to the newest step of every site."""
    schedules: frozenset[Schedule] = SCHEDULES
    """The schedules with which the rule works."""
    compression: Literal["full", "half", "quantised"] | None = None
    """The encoding of updates, overriding the settings; None leaves it to the settings."""
    amounts: tuple[Amount, ...] = ()
    """Where ``weights`` is the mean of the sites' shares in these amounts: secure aggregation needs their sums alone.
    Empty for a rule that needs single updates or weights, which secure aggregation refuses."""
    calibration: Literal["margin", "prior"] | None = None
    """How sites shift their logits in training, by their labels' frequencies (learn/calibration.py)."""
    drift: Drift | None = None
    """The memory of each site that corrects its training."""
    needs_steps: bool = False
    """Whether sites must report the steps of their optimiser."""
    needs_proximal_mu: bool = False
    """Whether sites must train with FedProx's proximal term."""
    trains_network: bool = True
    """Whether the model is a network; commands refuse a rule for anything else."""

    @property
    def acts_at_sites(self) -> bool:
        """Return whether a task must support the rule (tasks.base.LocalTermsTask)."""
        return self.calibration is not None or self.drift is not None or self.needs_steps

    @property
    def averages(self) -> bool:
        """Return whether the rule is a weighted mean whose weights use only the number of steps.

        Only such a mean can be taken among the sites of each network alone.
        """
        plain = (
            self.combine is weighted_mean and self.weights_of_steps is None and self.on_arrival != "recombine"
        )
        return plain and self.drift is None and self.trains_network

    @property
    def sends_gradient(self) -> bool:
        """Return whether an update holds the gradient of the site's loss at the model that was sent."""
        return self.drift is not None and self.drift.sends_gradient

    def local_terms(self, settings: FederationSettings) -> LocalTerms:
        """Return the rule's changes to the training at a site."""
        calibration = Calibration(self.calibration, settings.calibration_tau) if self.calibration else None
        if self.drift is None:
            return LocalTerms(calibration, sends_steps=self.needs_steps)
        pull = self.drift.proximal_mu(settings)
        return LocalTerms(calibration, pull, self.drift.sends_gradient, self.needs_steps)
