import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from fedbragg.metrics.average_precision import average_precision


def test_by_hand() -> None:
    # ranks: hit, miss, hit, miss: precision 1 at the first hit and 2/3 at the second
    found = average_precision(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert found.value == pytest.approx((1 + 2 / 3) / 2)


def test_without_positives_there_is_none() -> None:
    assert math.isnan(average_precision(np.zeros(4, bool), np.arange(4.0)).value)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_as_scikit_learn_has_it(examples: list[tuple[bool, int]]) -> None:
    positive, score = np.array([e[0] for e in examples]), np.array([float(e[1]) for e in examples])
    if positive.any():
        found = average_precision(positive, score)
        assert found.value == pytest.approx(average_precision_score(positive, score))
        assert 0 <= found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high <= 1


def test_the_interval_is_boyd_eng_and_pages() -> None:
    # AP 0.5 from 100 positives: logit 0, half width 1.96 / sqrt(100 x 0.25) = 0.392; 1 / (1 + e^0.392) = 0.4032
    score = np.arange(400.0)[::-1]
    positive = np.zeros(400, bool)
    positive[1:200:2] = True  # every second one: precision 1/2 at each
    found = average_precision(positive, score)
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.4032, 0.5968), abs=1e-4)
