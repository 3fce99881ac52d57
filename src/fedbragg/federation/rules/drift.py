"""SCAFFOLD and FedDyn: correct the pull of a site's own data away from the others' models.

Both papers keep tensors at each site. Here the server keeps them, because they follow from the updates it receives: a
site gets the correction of its gradient with the model, so it keeps nothing and may restart at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedbragg.config import FederationSettings
from fedbragg.state_arithmetic import is_weight
from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A site's report at a barrier that counted it."""

    step: State  # its model minus the barrier's before
    gradient: State  # of its loss, at that barrier's model; empty where the rule does not ask for it


def nothing(mean: State, settings: FederationSettings) -> State:
    """Return no tensors."""
    return {}


def no_pull(settings: FederationSettings) -> float:
    """Return 0."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Drift:
    """A rule's memory of each site, and its use; all tensors have the names of the model's."""

    remember: Callable[[State, Report, FederationSettings], State]
    """Takes the memory of a site (empty at first) and its report; returns the new memory."""
    correction: Callable[[State, State], State]
    """Takes the memory of a site, and the mean over all sites; returns the correction of the site's gradient."""
    move: Callable[[State, FederationSettings], State] = nothing
    """Takes the mean over all sites; returns the step of the model after a barrier."""
    proximal_mu: Callable[[FederationSettings], float] = no_pull
    """Returns how strongly a site is pulled to the model that it started from, as FitSettings.proximal_mu."""
    sends_gradient: bool = False
    """Whether a site sends the gradient of its loss at the model that it started from."""


def control_variate(before: State, report: Report, settings: FederationSettings) -> State:
    """Return SCAFFOLD's c_i, the site's gradient at the global model.

    Karimireddy et al., ICML 2020, algorithm 1, option I: it holds for any optimiser, while option II takes the gradient
    from the length of plain gradient steps, and the sites use Adam.
    """
    return report.gradient


def towards_mean(own: State, mean: State) -> State:
    """Return SCAFFOLD's c - c_i (algorithm 1, line 10); c is the mean of all c_i, zero for a site not heard yet."""
    return {name: tensor - own[name] if name in own else tensor for name, tensor in mean.items()}


def first_order(before: State, report: Report, settings: FederationSettings) -> State:
    """Return FedDyn's gradient of a site, less alpha times its step (Acar et al., ICLR 2021, algorithm 1).

    At the minimum of the local objective this is the gradient of the site's own loss there.
    """
    alpha = settings.feddyn_alpha
    return {
        name: before.get(name, 0) - step.dtype.type(alpha) * step
        for name, step in report.step.items()
        if is_weight(name, step)
    }


def against_own(own: State, mean: State) -> State:
    """Return the gradient of FedDyn's linear term -<g_i, theta>."""
    return {name: -tensor for name, tensor in own.items()}


def over_alpha(mean: State, settings: FederationSettings) -> State:
    """Return FedDyn's -h / alpha; h, less alpha times the mean step at each barrier, is the mean of all g_i."""
    return {name: -tensor / tensor.dtype.type(settings.feddyn_alpha) for name, tensor in mean.items()}


def dynamic_pull(settings: FederationSettings) -> float:
    """Return alpha, the weight of FedDyn's quadratic term alpha / 2 ||theta - theta_t||^2."""
    return settings.feddyn_alpha


SCAFFOLD = Drift(control_variate, towards_mean, sends_gradient=True)
FEDDYN = Drift(first_order, against_own, over_alpha, dynamic_pull)
