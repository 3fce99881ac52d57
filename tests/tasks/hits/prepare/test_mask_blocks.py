"""The blocks of a mask: counted right, and kept only where the mask cannot change."""

from __future__ import annotations

import numpy as np

from fedbragg.tasks.hits.prepare.mask_blocks import (
    HIDDEN,
    KEPT,
    PARTLY,
    WHOLE,
    MaskBlockCache,
    blocks_of_mask,
)


def test_blocks_are_whole_cut_or_hidden() -> None:
    mask = np.zeros((17, 24), np.bool_)  # the last row fills no block
    mask[:8, 8:16] = mask[8, 0] = mask[16] = True
    found = blocks_of_mask(mask, 8)
    assert found.valid.tolist() == [[64, 0, 64], [63, 64, 64]]
    assert found.state.tolist() == [[WHOLE, HIDDEN, WHOLE], [PARTLY, WHOLE, WHOLE]]
    assert found.masked_cols.tolist() == [1, 0] and found.starts.tolist() == [0, 1, 2]


def test_a_mask_that_cannot_change_is_looked_at_once() -> None:
    cache, mask = MaskBlockCache(), np.zeros((16, 16), np.bool_)
    mask.flags.writeable = False
    first = cache(mask, 8)
    assert cache(mask, 8) is first
    assert cache(mask, 4).valid.shape == (4, 4)
    for _ in range(KEPT):
        other = np.zeros((16, 16), np.bool_)
        other.flags.writeable = False
        cache(other, 8)
    assert cache(mask, 8) is not first


def test_a_mask_that_may_change_is_looked_at_again() -> None:
    cache, mask = MaskBlockCache(), np.zeros((16, 16), np.bool_)
    assert cache(mask, 8).state.max() == WHOLE
    mask[0, 0] = True
    assert cache(mask, 8).state[0, 0] == PARTLY
