"""Evaluate a model at every site, once for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedbragg.metrics.estimate import Estimate
from fedbragg.tasks.base import evaluate
from fedbragg.types import State
from fedbragg.workflows.networks import SiteNetworks
from fedbragg.workflows.site_data import SiteData

Metrics = Mapping[str, Estimate]


class SiteEvaluator:
    """Evaluate models on the sites' held-out examples, and keep the last model's result.

    Where sites run different networks, each evaluates its own. The final model is that of the last barrier, so curve,
    table and report use the same numbers.
    """

    def __init__(self, networks: SiteNetworks, sites: Sequence[SiteData[Any]]) -> None:
        self._networks, self._sites = networks, sites
        self._last: tuple[State, Mapping[str, Metrics]] | None = None

    def __call__(self, model: State) -> Mapping[str, Metrics]:
        """Return every metric at every site."""
        if self._last is None or not same(self._last[0], model):
            self._last = model, {site.name: self._at(site, model) for site in self._sites}
        return self._last[1]

    def headline(self, model: State) -> Mapping[str, float]:
        """Return the task's first metric at every site."""
        first = self._networks.task.headlines[0]
        return {name: metrics[first].value for name, metrics in self(model).items()}

    def _at(self, site: SiteData[Any], model: State) -> Metrics:
        task, state = self._networks.task_of(site.name), self._networks.state_of(site.name, model)
        return evaluate(task, state, site.held_out)


def same(one: State, other: State) -> bool:
    """Return whether two models hold the same numbers."""
    return one is other or (
        one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    )
