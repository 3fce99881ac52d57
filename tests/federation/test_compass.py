"""FedCompass: who gets how many epochs, when updates are combined, and what happens to a group that loses a site."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from fedbragg.federation import federate
from fedbragg.federation.compass import Compass
from fedbragg.types import State, Update


@dataclass
class Counting:
    """A site whose every epoch adds one; it takes samples over speed seconds."""

    name: str
    speed: float
    samples: int = 100
    asked: list[int] = field(default_factory=list)

    def train(self, model: State, version: int, epochs: int) -> Update:
        self.asked.append(epochs)
        return Update(self.name, version, {"w": np.array(float(epochs))}, self.samples, ((50, 50),), 1.0)


RULES = {"schedule": "compass", "aggregation": "fedavg_uniform", "norm_factor": 1e9}
START = {"w": np.array(0.0)}


def test_a_faster_site_makes_more_epochs_so_that_both_arrive_together(settings) -> None:
    """Seconds an epoch: 1 and 2.5. The first free site gets the most epochs; the other as many as fit."""
    fast, slow = Counting("fast", 100), Counting("slow", 40)
    rules = settings(warmup=2, epochs=1, compass_epochs=(2, 10), barriers=4, **RULES)
    history = federate(rules, [fast, slow], START).history
    # fast ends its first training at 2 s and opens a group for 12 s; slow ends at 5 s: 7 s hold 2 epochs of 2.5 s.
    # Together at 12 s, fast is served first: a group for 22 s, which holds 4 epochs of slow; and so on.
    assert fast.asked[:4] == [2, 10, 10, 10]
    assert slow.asked[:4] == [2, 2, 4, 4]
    steps = [line for line in history if line["event"] == "step"]
    assert [line["time"] for line in steps][:4] == [2, 5, 12, 22]
    assert [line["weights"] for line in steps[:2]] == [{"fast": 0.5}, {"slow": pytest.approx(0.5 * 2**-0.5)}]
    # Both trained from a model that has changed once less (slow: not at all) when they are combined.
    assert steps[2]["weights"] == {"fast": pytest.approx(0.5 * 2**-0.5), "slow": pytest.approx(0.5)}


def test_the_model_moves_by_every_sites_damped_share(settings) -> None:
    sites = [Counting("fast", 100), Counting("slow", 40)]
    rules = settings(warmup=2, epochs=1, compass_epochs=(2, 10), barriers=2, **RULES)
    model = federate(rules, sites, START).model["w"]
    # 2 s: half of 2. 5 s: half of 2, one change old. 12 s: half of 10, one change old, and half of 2.
    damped = 2**-0.5
    assert float(model) == pytest.approx(1 + damped + 5 * damped + 1)


def groups(*paces: tuple[str, float]) -> Compass:
    """Return the groups after each site has made one epoch of so many seconds, at the end of the slowest."""
    compass = Compass(1, 10)
    for site, _ in paces:
        assert compass.epochs(site, 1, 0.0) == 1
    for site, seconds in paces:
        assert compass.arrived(site, seconds) == [site]
    return compass


def test_a_site_too_slow_for_a_group_opens_one_that_meets_the_fastest_later() -> None:
    compass = groups(("fast", 1.0), ("slow", 30.0))
    assert compass.epochs("fast", 1, 30.0) == 10  # until 40 s, at the latest 42 s
    # No epoch of 30 s fits into 10 s. fast's next training ends 10 s after 42 s: 22 s hold none, so the fewest.
    assert compass.epochs("slow", 1, 30.0) == 1
    assert compass.arrived("fast", 40.0) == ["fast"]
    assert compass.arrived("slow", 60.0) == ["slow"]


def test_a_group_goes_on_without_a_site_that_fails() -> None:
    compass = groups(("a", 1.0), ("b", 2.0), ("c", 5.0))
    assert [compass.epochs(site, 1, 5.0) for site in "abc"] == [10, 5, 2]
    assert compass.arrived("a", 15.0) == []
    assert compass.waits("a") and not compass.waits("b")
    assert compass.without("b") == []
    assert compass.arrived("c", 15.0) == ["a", "c"]  # the fastest first
    assert compass.without("c") == []  # it is in no group any more
    assert not compass.waits("a")


def test_a_group_whose_last_site_fails_is_combined_at_once() -> None:
    compass = groups(("a", 1.0), ("b", 2.0))
    assert [compass.epochs(site, 1, 2.0) for site in "ab"] == [10, 5]
    assert compass.arrived("a", 12.0) == []
    assert compass.without("b") == ["a"]
