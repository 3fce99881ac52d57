"""Memory is reused when no array uses it any more."""

from __future__ import annotations

import numpy as np

from fedbragg.images.buffer_pool import BufferPool


def test_memory_comes_back_when_the_last_view_is_gone() -> None:
    pool = BufferPool(spare=2)
    first = pool.take((4, 5), np.dtype(np.uint16))
    address = first.__array_interface__["data"][0]
    view = first[1:, 2:].T
    del first
    other = pool.take((4, 5), np.dtype(np.uint16))
    assert other.__array_interface__["data"][0] != address  # the view still uses it
    view[...] = 9
    del view
    assert pool.take((4, 5), np.dtype(np.uint16)).__array_interface__["data"][0] == address


def test_a_pool_serves_frames_of_another_size() -> None:
    pool = BufferPool(spare=2)
    pool.take((4, 5), np.dtype(np.uint16))
    assert pool.take((7, 9), np.dtype(np.int32)).shape == (7, 9)
