"""Two thousand messages with wrong bytes: none raises, none allocates more than it could hold."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import hdf5plugin
import numpy as np
from messages import Series
from test_dialects import COUNTS, blocks, chunk, lcls, lcls_start, v1_header, v1_image

from fedbragg.errors import FrameError
from fedbragg.live.source import Damaged, LiveFrame
from fedbragg.live.stream_reader import StreamReader

FUZZED = 2000
MOST = 32_000_000
"""Bytes at the peak; a frame of the series has 13,000."""


def damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """Change, cut, repeat or replace some bytes, more often those of the header than those of the image."""
    content = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(0, min(len(content), 300 if rng.random() < 0.8 else len(content))))
        match rng.integers(0, 5):
            case 0:
                content[place] = rng.integers(0, 256)
            case 1:
                content[place] ^= 1 << int(rng.integers(0, 8))
            case 2:
                del content[place : place + int(rng.integers(1, 20))]
            case 3:
                content[place:place] = rng.bytes(int(rng.integers(1, 9)))
            case _:
                content = content[: max(place, 1)]
        if not content:
            break
    return bytes(content)


def test_no_fuzzed_message_raises_or_allocates_much() -> None:
    rng = np.random.default_rng(17)
    mask = np.zeros((72, 90), np.bool_)
    series = [
        Series("s", 5, compression=name, mask=mask, saturation=60000) for name in ("bslz4", "lz4", "none")
    ]
    whole = [[message] for each in series for message in (each.start, each.image(1), each.end)]
    whole += [[lcls_start(b"c")], [lcls(b"m", type="image", message_id=1, compressed_data=blocks(COUNTS))]]
    whole += [
        v1_header(),
        v1_image(chunk(COUNTS, **hdf5plugin.Bitshuffle()), "bs16-lz4<"),
        v1_image(COUNTS.tobytes(), "<"),
    ]
    reader, seen = StreamReader(), dict.fromkeys(("damaged", "read", "unreadable", "other"), 0)
    for message in whole:  # compiles, and fills the caches
        event = reader.event(*message)
        if isinstance(event, LiveFrame):
            event.read()
    tracemalloc.start()
    try:
        for _ in range(FUZZED):
            parts = list(whole[rng.integers(0, len(whole))])
            part = int(rng.integers(0, len(parts)))
            parts[part] = damaged(rng, parts[part])
            event = reader.event(*parts)
            kind = "damaged" if isinstance(event, Damaged) else "other"
            if isinstance(event, LiveFrame):
                kind = "unreadable"
                with suppress(FrameError):
                    event.read()
                    kind = "read"
            seen[kind] += 1
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    assert min(seen.values()) > 50, seen
    intact = reader.event(*whole[1])
    assert isinstance(intact, LiveFrame)
    assert intact.read().counts.shape == (72, 90)
