"""The blocks of a mask."""

from __future__ import annotations

import numpy as np

from fedbragg.tasks.hits.prepare.mask_blocks import HIDDEN, PARTLY, WHOLE, blocks_of_mask


def test_blocks_are_whole_cut_or_hidden() -> None:
    mask = np.zeros((17, 24), np.bool_)  # the last row fills no block
    mask[:8, 8:16] = mask[8, 0] = mask[16] = True
    found = blocks_of_mask(mask, 8)
    assert found.valid.tolist() == [[64, 0, 64], [63, 64, 64]]
    np.testing.assert_array_equal(found.hidden_share, 1 - found.valid / 64)
    assert found.state.tolist() == [[WHOLE, HIDDEN, WHOLE], [PARTLY, WHOLE, WHOLE]]
    assert found.masked_cols.tolist() == [1, 0] and found.starts.tolist() == [0, 1, 2]
