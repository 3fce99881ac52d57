"""The median is NumPy's, for any numbers in any order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.tasks.hits.prepare.medians import median


@given(
    values=st.lists(
        st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(-1e9, 1e9)), min_size=1, max_size=60
    )
)
def test_the_median_is_numpys(values: list[float]) -> None:
    """Numbers that occur several times, such as the variances of empty blocks, are frequent here."""
    assert median(np.array(values)) == np.median(values)
