"""Integer buffers that fall during training give negative steps in a site's update, not wrapped ones."""

from __future__ import annotations

import numpy as np

from fedbragg.config import TrainingSettings
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State


class Examples:
    label_counts = ((1, 1),)

    def __len__(self) -> int:
        return 2


class FallingTask:
    def train(self, *_: object) -> tuple[State, float]:
        return {"seen": np.array(3, np.uint8)}, 1.0


def test_a_step_from_five_to_three_is_minus_two() -> None:
    site = TaskSite("a", FallingTask(), Examples(), TrainingSettings(), 1)  # type: ignore[arg-type,var-annotated]
    assert site.train({"seen": np.array(5, np.uint8)}, 0, 1).tensors["seen"] == -2
