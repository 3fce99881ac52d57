from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.review.teaching.promise import distance, random_sample
from fedbragg.types import Label

HIT, MAYBE, MISS = Label.HIT, Label.MAYBE, Label.MISS


def test_the_sample_ends_before_the_first_frame_without_a_label() -> None:
    labels = {3: HIT, 0: MISS, 2: MAYBE, 7: HIT}
    assert random_sample([3, 0, 5, 2, 7], labels, set()) == {3: HIT, 0: MISS}
    assert random_sample([3, 0, 5, 2, 7], labels, {5}) == labels  # 5 cannot be read
    assert random_sample([3, 0, 5, 2, 7], labels, {5}, {0, 2}) == {0: MISS, 2: MAYBE}  # the others taught


def test_labels_by_uncertainty_do_not_make_the_sample_uncertain() -> None:
    """Every frame near the threshold is labelled; the sample's share of them is still the run's."""
    generator = np.random.default_rng(5)
    scores = generator.uniform(size=2000)
    order = generator.permutation(2000).tolist()
    labels = {int(i): HIT for i in np.argsort(abs(scores - 0.5))[:400]} | dict.fromkeys(order[:500], HIT)
    sample = list(random_sample(order, labels, set()))
    assert 500 <= len(sample) < 510
    uncertain = np.mean(abs(scores[sample] - 0.5) < 0.1)
    assert uncertain == pytest.approx(0.2, abs=0.06)  # three standard deviations
    everything = list(labels)
    assert np.mean(abs(scores[everything] - 0.5) < 0.1) > 0.45


def test_hits_needed_are_those_of_the_binomial_bound() -> None:
    """0.99^299 = 0.0495 is the first power below 0.05; no hit may then be lost."""
    found = distance({i: HIT if i % 2 else MISS for i in range(100)}, 130)
    assert (found.needed, found.hits, found.frames, found.left_out) == (299, 50, 100, 30)
    assert found.demand == "at most 1 % of hits lost with 95 % confidence"
    assert found.more_frames == (
        418,
        617,
    )  # 249 by Wilson's interval of 50 in 100, 0.4038 to 0.5962, rounded up
    assert distance({}, 0).more_frames is None
    assert distance(dict.fromkeys(range(50), MISS), 50).more_frames is None
    assert distance(dict.fromkeys(range(299), MAYBE), 299).more_frames == (0, 0)


@given(labelled=st.sets(st.integers(0, 30)))
def test_the_sample_is_a_start_of_the_order(labelled: set[int]) -> None:
    order = list(range(31))
    assert list(random_sample(order, dict.fromkeys(labelled, HIT), set())) == list(
        range(next((i for i in order if i not in labelled), 31))
    )
