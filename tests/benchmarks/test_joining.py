"""What joining is worth, in labels: values worked by hand; and frames chosen from a facility's pool."""

from __future__ import annotations

from math import expm1, inf, log1p

import numpy as np
import pytest
import torch

from baselines.joining_facilities import TROUBLES, chosen
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.tasks.hits.data import HitData
from joining import worth


def test_a_federation_is_worth_the_labels_that_reach_it_alone() -> None:
    own = [0.80, 0.82, 0.86, 0.90, 0.94]  # with 0, 10, 30, 100, 300 labels
    assert worth(own, 0.86) == pytest.approx(30)
    assert worth(own, 0.84) == pytest.approx(expm1((log1p(10) + log1p(30)) / 2))
    assert worth(own, 0.95) == inf
    assert worth(own, 0.80) == 0.0  # no better than the packaged model


def test_a_dip_of_the_own_model_is_passed_over() -> None:
    assert worth([0.80, 0.78, 0.90, 0.90, 0.90], 0.85) == pytest.approx(
        expm1(log1p(10) + 7 / 12 * (log1p(30) - log1p(10)))
    )


def test_chosen_frames_keep_their_peaks_and_fewer_are_part_of_more() -> None:
    first = torch.tensor([0, 2, 2, 5, 6])
    data = HitData(torch.arange(6.0)[:, None], first, torch.tensor([0.0, 1, 0, 1]), torch.full((6,), -1.0))
    assert chosen(data, 4, np.random.default_rng(1)).measures.tolist() == data.measures.tolist()
    two, three = (chosen(data, n, np.random.default_rng(1)) for n in (2, 3))
    assert set(two.measures[:, 0].tolist()) <= set(three.measures[:, 0].tolist())
    assert two.first[-1] == len(two.measures) and len(two) == 2
    assert len(chosen(data, 0, np.random.default_rng(1))) == 0


def test_no_two_named_facilities_have_the_same_trouble() -> None:
    kinds = [kind for kinds in TROUBLES.values() for kind in kinds]
    assert len(set(kinds)) == len(kinds) == 10
    assert set(kinds) <= set(ARTEFACTS)
