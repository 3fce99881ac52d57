"""What is pushed on: kept messages unchanged, each with its verdict, which a plain reader of Stream2 survives."""

from __future__ import annotations

import cbor2
import zmq
from messages import Series
from test_connection import free_address

from fedbragg.live.forward import Forward
from fedbragg.live.source import Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream_reader import StreamReader
from fedbragg.types import Verdict


def test_kept_images_go_on_with_their_verdicts() -> None:
    series, address, reader = Series("s", 3), free_address(), StreamReader()
    forward = Forward(address, lambda: False)
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.connect(address)
        for message in series.whole():
            event = reader.event(message)
            if isinstance(event, LiveFrame):
                score = (0.2, 0.9, None)[event.number]
                keep = event.number > 0
                forward.verdict(event, Verdict("s", event.number, score, keep, spot_count=8, background=1.5))
            elif isinstance(event, SeriesStart | SeriesEnd):
                forward.message(event)
        pull.RCVTIMEO = 20_000
        received = [pull.recv_multipart() for _ in range(4)]
        forward.close()
    assert [parts[0] for parts in received] == [series.start, series.image(1), series.image(2), series.end]
    assert [len(parts) for parts in received] == [1, 2, 2, 1]
    verdicts = [cbor2.loads(parts[1]) for parts in received[1:3]]
    assert verdicts[0] == {
        "type": "fedbragg-verdict",
        "series_unique_id": "s",
        "image_id": 1,
        "score": 0.9,
        "reason": "",
        "background": 1.5,
        "spots": 8,
        "resolution": None,
    }
    assert verdicts[1]["score"] is None
    assert (forward.sent, forward.lost) == (2, 0)
    assert isinstance(reader.event(received[1][1]), Ignored)


def test_a_stopped_watch_does_not_wait_for_a_receiver() -> None:
    forward = Forward(free_address(), lambda: True)
    frame = StreamReader().event(Series("s", 1).image(0))
    assert isinstance(frame, LiveFrame)
    forward.verdict(frame, Verdict("s", 0, 0.9, True))
    assert (forward.sent, forward.lost) == (0, 1)
    forward.close()
