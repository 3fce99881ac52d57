"""Frames of a stream are reduced while they are decoded, as those of a file are, and mean the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from messages import Series

from fedbragg.images.packed_frame import Reduce
from fedbragg.live.source import LiveFrame
from fedbragg.live.stream_reader import StreamReader
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare_with_peaks
from fedbragg.tasks.hits.prepare.decoding import BlockReducer
from fedbragg.tasks.hits.prepare.mask_blocks import mask_block_cache
from fedbragg.types import Frame

SHAPE = (260, 180)


def frames(reduce: Reduce | None, mask: np.ndarray | None = None) -> list[Frame]:
    generator = np.random.default_rng(7)
    counts = [generator.poisson(2, SHAPE).astype(np.uint16) for _ in range(3)]
    for each in counts:
        each[40:43, 60:63] += 40
    reader = StreamReader(reduce=reduce)
    series = Series("s", 3, SHAPE, mask=mask)
    reader.event(series.start)
    events = [reader.event(series.image(number, each)) for number, each in enumerate(counts)]
    return [event.read() for event in events if isinstance(event, LiveFrame)]


@pytest.mark.parametrize("masked", [False, True])
def test_a_frame_that_is_reduced_while_it_is_decoded_has_the_same_view(masked: bool) -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[100:117] = masked
    blocks = mask_block_cache()
    fast, plain = frames(BlockReducer(blocks), mask), frames(None, mask)
    assert [frame.reduced is not None for frame in fast] == [
        False,
        True,
        True,
    ]  # the first one's mask is not known
    assert all(frame.reduced is None for frame in plain)
    for one, other in zip(fast, plain, strict=True):
        first, second = (prepare_with_peaks(frame, PrepareSettings(), blocks)[0] for frame in (one, other))
        for field in dataclasses.fields(first):
            same(getattr(first, field.name), getattr(second, field.name))


def same(first: Any, second: Any) -> None:
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
