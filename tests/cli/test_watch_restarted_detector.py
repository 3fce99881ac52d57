"""A detector of Stream v1 that is switched off and on under a watch, and a recording of its messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from watching import PATIENCE, watching

sys.path.append(str(Path(__file__).parents[1] / "live"))

from messages import counts_of
from test_connection import free_address
from test_dialects import text, v1_header, v1_image

from fedbragg.live.message import parts_of
from fedbragg.live.push import Push

pytestmark = pytest.mark.slow


def series(images: int, *, end: bool) -> list[list[bytes]]:
    """Return the messages of series 4, which is the number of every series here."""
    frames = [v1_image(counts_of(number).tobytes(), "<", frame=number) for number in range(images)]
    return [
        v1_header(nimages=images, ntrigger=1),
        *frames,
        *([[text(htype="dseries_end-1.0", series=4)]] if end else []),
    ]


@contextmanager
def detector(address: str, messages: list[list[bytes]]) -> Iterator[None]:
    push = Push(address)
    try:
        for parts in messages:
            push.send(parts, lambda: False)
        yield
    finally:
        push.close()


def test_a_series_number_that_is_used_again_after_a_restart_loses_nothing(tmp_path: Path) -> None:
    address, forwarded = free_address(), free_address()
    first, second = series(4, end=False), series(3, end=True)
    options = ("--once", "--record", str(tmp_path / "recorded"), "--forward", forwarded)
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.connect(forwarded)
        pull.setsockopt(zmq.RCVTIMEO, int(1000 * PATIENCE))
        with watching(tmp_path, address, *options) as watch:
            with detector(address, first):
                watch.wait_for(lambda: len(watch.verdicts("series-4")) == 4)
            watch.wait_for(lambda: "the sender is gone; waiting for it to come back" in watch.errors)
            with detector(address, second):
                assert watch.ended() == 3
        kept = [
            verdict for name in ("series-4", "series-4-2") for verdict in watch.verdicts(name) if verdict.keep
        ]
        received = [pull.recv_multipart() for _ in range(len(kept) + 3)]
    assert [verdict.index for verdict in watch.verdicts("series-4-2")] == [0, 1, 2]
    assert "series      series-4 (its end did not come)" in watch.said
    assert kept
    forwarded_images = [parts for parts in received if b"dimage-1.0" in parts[0]]
    assert [len(parts) for parts in forwarded_images] == [5] * len(
        kept
    )  # the detector's four, and the verdict
    files = sorted((tmp_path / "recorded").iterdir())
    assert [parts_of(path.read_bytes()) for path in files] == [*first, *second]
