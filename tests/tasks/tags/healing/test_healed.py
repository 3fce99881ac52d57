from __future__ import annotations

import numpy as np
import pytest

from fedbragg.errors import ConfigError, FrameError, InputError
from fedbragg.tasks.tags.healing import heal
from fedbragg.tasks.tags.healing.healed import gapped
from fedbragg.types import Frame


def frame(counts: np.ndarray, mask: np.ndarray | None = None) -> Frame:
    return Frame(counts, np.zeros(counts.shape, np.bool_) if mask is None else mask, "image.tif", 0)


@pytest.mark.parametrize(
    ("counts", "mask", "reason"),
    [
        (np.ones((300, 3), np.int32), None, "8 or more"),
        (np.ones((1, 500), np.int32), None, "8 or more"),
        (np.full((20, 20), 4, np.int32), None, "has 4 on every valid pixel"),
        (np.ones((20, 20), np.int32), np.ones((20, 20), np.bool_), "no valid pixel"),
        (np.full((20, 20), np.nan, np.float32), None, "no valid pixel"),
    ],
)
def test_what_cannot_be_healed_is_refused_in_one_line(
    counts: np.ndarray, mask: np.ndarray | None, reason: str
) -> None:
    with pytest.raises(FrameError, match=reason) as error:
        gapped(frame(counts, mask))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("image.tif frame 0: ")


def test_a_mask_of_another_detector_is_refused() -> None:
    with pytest.raises(FrameError, match="20 x 20 pixels, the mask 10 x 10"):
        gapped(frame(np.arange(400, dtype=np.int32).reshape(20, 20)), np.zeros((10, 10), np.bool_))


def test_values_that_are_not_finite_are_gaps() -> None:
    counts = np.arange(400, dtype=np.float32).reshape(20, 20)
    counts[3, 4], counts[5, 6] = np.nan, np.inf
    image = gapped(frame(counts))
    assert np.flatnonzero(~image.measured).tolist() == [64, 106]
    assert (image.counts[~image.measured] == 0).all()


def test_arrays_are_healed_by_name() -> None:
    counts = np.tile(np.arange(30, dtype=np.float32), (30, 1)) + 5
    gap = np.zeros(counts.shape, np.bool_)
    gap[:, 14:16] = True
    healed = heal(counts, gap, beam=(200.0, 15.0)).counts
    assert healed[10, 14] == pytest.approx(19, abs=1.5)
    assert (healed[~gap] == counts[~gap]).all()
    with pytest.raises(ConfigError, match=r"method 'magic' is unknown\. Known: symmetry, smooth, network"):
        heal(counts, gap, "magic")
    with pytest.raises(InputError, match="no valid pixel"):
        heal(counts, np.ones_like(gap))


def test_a_constant_array_is_filled_with_its_value() -> None:
    gap = np.zeros((20, 20), np.bool_)
    gap[8:10] = True
    assert heal(np.full((20, 20), 3, np.float32), gap).counts == pytest.approx(3, rel=0.01)
