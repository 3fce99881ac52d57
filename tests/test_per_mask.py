"""What is computed for a mask is kept only where the mask cannot change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.per_mask import KEPT, PerMask


def fixed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    mask.flags.writeable = False
    return mask


def test_a_mask_that_cannot_change_is_looked_at_once_for_each_setting() -> None:
    asked: list[int] = []
    known = PerMask(lambda mask, block: asked.append(block) or int(mask.sum()) + block)
    mask = fixed(np.array([True, False, True]))
    assert [known(mask, 8), known(mask, 8), known(mask, 4), known(mask, 8)] == [10, 10, 6, 10]
    assert asked == [8, 4]


def test_the_oldest_mask_is_forgotten_and_an_equal_one_is_another() -> None:
    asked: list[int] = []
    known = PerMask(lambda mask: asked.append(id(mask)))
    masks = [fixed(np.zeros(3, np.bool_)) for _ in range(KEPT + 1)]
    for mask in (*masks, masks[0]):
        known(mask)
    assert len(asked) == KEPT + 2


def test_a_mask_that_may_change_is_looked_at_again() -> None:
    known, mask = PerMask(lambda mask: int(mask.sum())), np.zeros(3, np.bool_)
    assert known(mask) == 0
    mask[0] = True
    assert known(mask) == 1
