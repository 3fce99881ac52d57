"""Measure the worth of joining a federation to each site: its own model against the federation's, on new frames.

Frames with the site's own artefacts show whether joining costs it anything; frames with artefacts that only other sites
have labelled show whether it learns from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedbragg.report.joining import Compared, Worth
from fedbragg.tasks.base import Dataset, Task
from fedbragg.types import State
from fedbragg.workflows.train import paired_gain


@dataclass(frozen=True, slots=True, eq=False)
class SiteTests:
    """New labelled examples of one site's own instrument."""

    own: Dataset  # with artefacts that the site has labelled
    others: Dataset  # with artefacts that it has not


@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """The federation's model, and the models that each site trained alone for as many epochs."""

    together: State
    alone: Mapping[str, State]  # by the site's name


def worth(
    task: Task[Any], rivals: Rivals, tests: Mapping[str, SiteTests], labelled: Mapping[str, int], seed: int
) -> list[Worth]:
    """Return the worth of joining to every site with tests."""
    return [
        _worth(task, name, (rivals.alone[name], rivals.together), one, (labelled[name], seed))
        for name, one in tests.items()
    ]


def _worth(
    task: Task[Any], site: str, models: tuple[State, State], tests: SiteTests, numbers: tuple[int, int]
) -> Worth:
    """Compare two models; ``numbers`` are the site's labelled examples and the seed of the interval."""
    parts = (tests.own, tests.others)
    answers = [[task.answers(model, part) for part in parts] for model in models]
    own, others = (
        Compared(*(task.metrics(part.truth, found[k])[task.headlines[0]] for found in answers))
        for k, part in enumerate(parts)
    )
    truth = np.concatenate([part.truth for part in parts])
    alone, together = (np.concatenate(found) for found in answers)
    return Worth(site, numbers[0], own, others, paired_gain(task, truth, (alone, together), numbers[1]))
