"""FedCompass on sites of known speed: who gets how many epochs, and when models are combined, worked by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from baselines.compass import Compass
from fedbragg.types import State, Update


@dataclass
class Counting:
    """A site whose every epoch adds one."""

    name: str
    speed: float
    samples: int = 100
    asked: list[int] = field(default_factory=list)

    def train(self, model: State, version: int, epochs: int) -> Update:
        self.asked.append(epochs)
        return Update(self.name, version, {"w": np.array(float(epochs))}, self.samples, ((50, 50),), 1.0)


def test_a_faster_site_makes_more_epochs_so_that_both_arrive_together() -> None:
    """Seconds an epoch: 1 and 2.5. The first free site gets the most epochs; the other as many as fit."""
    fast, slow = Counting("fast", 100), Counting("slow", 40)
    server = Compass([fast, slow], {"fast": 0.5, "slow": 0.5}, {"w": np.zeros(())}, (2, 10), warmup=2)
    points = server.run(100.0, lambda model: float(model["w"]))
    # fast ends its warm-up at 2 s and opens a group for 12 s; slow ends at 5 s: 7 s hold 2 epochs of 2.5 s.
    # Together at 12 s, fast is served first: a group for 22 s, which holds 4 epochs of slow; and so on.
    assert fast.asked[:4] == [2, 10, 10, 10]
    assert slow.asked[:4] == [2, 2, 4, 4]
    assert points[:4, 0].tolist() == [0, 2, 5, 12]
    # 2 s: half of 2. 5 s: half of 2, one version old. 12 s: half of 10, one version old, and half of 2.
    damped = 2**-0.5
    assert points[1:4, 1].tolist() == pytest.approx([1, 1 + damped, 1 + damped + 5 * damped + 1])


def test_a_site_too_slow_for_a_group_opens_one_of_its_own() -> None:
    fast, slow = Counting("fast", 100), Counting("slow", 10)
    server = Compass([fast, slow], {"fast": 0.5, "slow": 0.5}, {"w": np.zeros(())}, (2, 4), warmup=1)
    server.run(200.0, lambda model: float(model["w"]))
    assert set(fast.asked[1:]) <= {2, 3, 4}
    assert set(slow.asked[1:]) <= {2, 3, 4}
    assert len(fast.asked) > 4 * len(slow.asked)
