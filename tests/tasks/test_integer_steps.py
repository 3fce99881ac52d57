"""Integer buffers that fall during training give negative steps in a site's update, not wrapped ones."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.config import TrainingSettings
from fedbragg.tasks import site as hits
from fedbragg.tasks.hits.learner import pretrain
from fedbragg.tasks.phases.site import PhaseFrames, PhaseSite
from fedbragg.tasks.site import HitSite
from fedbragg.types import State

BEFORE = {"seen": np.array(5, np.uint8)}
AFTER = {"seen": np.array(3, np.uint8)}


class NoData:
    label_counts = ((1, 1),)

    def __len__(self) -> int:
        return 2


class FallingTask:
    def train(self, *_: object) -> tuple[State, float]:
        return AFTER, 1.0


def test_a_phases_site_sends_minus_two() -> None:
    site = PhaseSite("a", PhaseFrames(FallingTask(), NoData()), TrainingSettings(), 1)  # type: ignore[arg-type]
    assert site.train(BEFORE, 0, 1).tensors["seen"] == -2


def test_a_hits_site_sends_minus_two(monkeypatch: pytest.MonkeyPatch) -> None:
    start = pretrain(None, 0, 1)
    monkeypatch.setattr(hits, "load_state", lambda *_: None)
    monkeypatch.setattr(hits, "HitProblem", lambda *_, **__: None)
    monkeypatch.setattr(hits, "fit", lambda *_: 1.0)
    monkeypatch.setattr(hits, "state_of", lambda _: {**start, **AFTER})
    update = HitSite("a", NoData(), TrainingSettings(), 1).train({**start, **BEFORE}, 0, 1)  # type: ignore[arg-type]
    assert update.tensors["seen"] == -2
