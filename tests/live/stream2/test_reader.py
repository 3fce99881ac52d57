"""Messages of every kind a sender may send: the traps of real ones, dialects, and what is broken."""

from __future__ import annotations

import tracemalloc
from typing import Any

import cbor2
import numpy as np
import pytest
from messages import SHAPE, Series, counts_of, image, message, packed, tagged_array

from fedbragg.errors import FrameError
from fedbragg.live.source import Damaged, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream2.encoding import CHANNEL, array, packer
from fedbragg.live.stream_reader import StreamReader
from fedbragg.types import Frame, Geometry

COUNTS = counts_of(1)
PACKED = packer("bslz4")(COUNTS).value[2]


def read(data: bytes, *before: bytes, channel: str | None = None) -> Frame:
    """Return the frame of a message that comes after others."""
    reader = StreamReader(channel)
    for each in before:
        reader.event(each)
    event = reader.event(data)
    assert isinstance(event, LiveFrame), event
    return event.read()


def refused(data: bytes, *before: bytes, channel: str | None = None) -> str:
    """Return why the frame of a message cannot be read."""
    with pytest.raises(FrameError) as caught:
        read(data, *before, channel=channel)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def test_mask_and_saturation_come_from_the_start() -> None:
    mask = np.zeros(SHAPE, np.bool_)
    mask[5:9, 3] = True
    series = Series("s", 1, mask=mask, saturation=90.0)
    frame = read(series.image(0, COUNTS), series.start)
    np.testing.assert_array_equal(frame.mask, mask | (COUNTS > 90))


def test_a_frame_that_repeats_the_first_ones_mask_shares_it() -> None:
    series = Series("s", 3)
    reader = StreamReader()
    first, second = (reader.event(series.image(number)).read() for number in (0, 3))  # type: ignore[union-attr]
    assert first.mask is second.mask
    np.testing.assert_array_equal(first.mask[:, -3:], np.broadcast_to([False, True, True], (72, 3)))


def test_without_its_start_a_series_has_the_mask_of_its_sentinels_and_no_geometry() -> None:
    series = Series("s", 3, saturation=90.0)
    event: Any = StreamReader().event(series.image(2, COUNTS))
    assert event.geometry == Geometry()
    np.testing.assert_array_equal(event.read().mask, COUNTS == 65535)


def test_a_mask_of_another_shape_is_left_out_and_said() -> None:
    fields = cbor2.loads(Series("s", 1).start)
    fields["pixel_mask"] = {CHANNEL: array(np.ones((3, 4), "<u4"), packer("none"))}
    start: Any = StreamReader().event(cbor2.dumps(fields))
    assert start.notes == (
        "the pixel mask of threshold_1 is not used: it has 3 x 4 pixels, the images 72 x 90.",
    )


def two_channels() -> tuple[bytes, bytes]:
    fields = cbor2.loads(Series("s", 1).start) | {"channels": ["threshold_2", "threshold_1"]}
    data = {
        name: array(COUNTS + number, packer("bslz4"))
        for number, name in enumerate(["threshold_1", "threshold_2"])
    }
    return cbor2.dumps(fields), message(type="image", image_id=0, data=data)


def test_the_first_threshold_of_the_start_is_scored_unless_one_is_named() -> None:
    start, both = two_channels()
    assert read(both, start).counts[0, 0] == COUNTS[0, 0] + 1
    assert read(both, start, channel="threshold_1").counts[0, 0] == COUNTS[0, 0]
    assert read(both).counts[0, 0] == COUNTS[0, 0]  # of an image alone, its first


def test_a_threshold_that_is_not_there_is_named_with_those_that_are() -> None:
    assert refused(two_channels()[1], channel="low") == (
        "it has no threshold low. Choose one of threshold_1, threshold_2 by --threshold."
    )


def test_a_big_endian_image_is_read() -> None:
    pixels = tagged_array(list(SHAPE), 65, COUNTS.astype(">u2").tobytes())
    np.testing.assert_array_equal(read(image(pixels)).counts, COUNTS)


def test_floats_are_read() -> None:
    values = (COUNTS / 8).astype("<f4")
    pixels = tagged_array(list(SHAPE), 85, packer("bslz4")(values))
    np.testing.assert_array_equal(read(image(pixels)).counts, values)


def test_jungfraujochs_own_fields_and_messages_do_no_harm() -> None:
    fields = cbor2.loads(Series("s", 1).start)
    del fields["detector_translation"]
    start = cbor2.dumps(
        {**fields, "magic_number": 0x52320000, "detector_distance": 0.1, "error_value": 65535}
    )
    reader = StreamReader()
    assert isinstance(reader.event(start), SeriesStart)
    calibration = message(type="calibration", data={"gain": [1, 2]})
    assert isinstance(reader.event(calibration), Ignored)
    spots = [{"x": 1.5, "y": 2.5, "I": 10.0}]
    event: Any = reader.event(image(array(COUNTS, packer("bslz4")), spots=spots, bkg_estimate=1.0))
    assert event.geometry.distance == 0.1
    np.testing.assert_array_equal(event.read().counts, COUNTS)


def test_a_series_without_unique_id_goes_by_its_number() -> None:
    event: Any = StreamReader().event(cbor2.dumps({"type": "end", "series_id": 12}))
    assert event == SeriesEnd("series-12", event.message)


def test_a_series_name_is_printed_harmlessly() -> None:
    event: Any = StreamReader().event(message(type="end", series_unique_id="a\x1b[2J\n" + "x" * 1000))
    assert event.series.startswith("a\\x1b[2J\\nxxx")
    assert len(event.series) < 100


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello, this is no CBOR", "no CBOR map: this is not Stream2. Check the port"),
        (b"", "a message of 0 bytes is cut short"),
        (b"\xff\xfe", "this is not Stream2"),
        (cbor2.dumps([1, 2]), "no CBOR map"),
        (cbor2.dumps({"a": 1}), "a message without a type"),
        (cbor2.dumps({"type": "image", "image_id": 1}), "names no series"),
        (message(type="image"), "an image of s without a number"),
        (message(type="image", image_id=-1), "without a number"),
        (message(type="image", image_id=True), "without a number"),
        (message(type="image", image_id=10**30), "without a number"),
        (Series("s", 1).image(0)[:-1000], "is cut short"),
        (b"\x81" * 100_000, "nesting depth"),
        (b"\x5b" + (1 << 60).to_bytes(8, "big") + b"abc", "is cut short"),
    ],
)
def test_a_message_that_cannot_be_used_is_one_line(data: bytes, expected: str) -> None:
    event = StreamReader().event(data)
    assert isinstance(event, Damaged)
    assert expected in event.reason
    assert "\n" not in event.reason
    assert event.message == data


LARGE = [40_000, 40_000]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            tagged_array(list(SHAPE), 69, packed("gzip", 2, PACKED)),
            "its compression is gzip; bslz4, bszstd, lz4 and none",
        ),
        (
            tagged_array(list(SHAPE), 69, packed("bslz4", 4, PACKED)),
            "it was packed for other numbers than uint16",
        ),
        (tagged_array(list(SHAPE), 69, packed("bslz4", 2, PACKED[:-9])), "bitshuffle-LZ4 data are damaged"),
        (tagged_array(list(SHAPE), 69, packed("lz4", 0, PACKED[:-9])), "LZ4 data are damaged"),
        (tagged_array(list(SHAPE), 69, packed("bslz4", 2, b"")), "but its data hold 0"),
        (
            tagged_array([72, 91], 69, packed("bslz4", 2, PACKED)),
            "72 x 91 uint16 are 13104 bytes, but its data hold",
        ),
        (tagged_array(list(SHAPE), 69, b"abc"), "12960 bytes, but its data hold 3"),
        (tagged_array(LARGE, 69, packed("bslz4", 2, PACKED)), "more than any detector sends"),
        (
            tagged_array([8000, 8000], 69, packed("bslz4", 2, (128_000_000).to_bytes(8, "big") + bytes(100))),
            "which 108 packed bytes cannot hold",
        ),
        (tagged_array([0, 5], 69, b""), "its shape is not two numbers above 0"),
        (tagged_array([2, 3, 4], 69, b""), "its shape is not two numbers"),
        (tagged_array("ab", 69, b""), "its shape is not two numbers"),
        (tagged_array([-2, 3], 69, b""), "its shape is not two numbers"),
        (tagged_array([2, 2], 87, bytes(64)), "unknown type of tag 87"),
        (tagged_array([2, 2], 69, "abcd"), "its numbers are not bytes"),
        (tagged_array([2, 2], 69, packed(5, 2, b"")), "its compression (tag 56500) is not described"),
        (
            tagged_array([2, 2], 71, packed("bslz4", 8, (32).to_bytes(8, "big") + bytes(40))),
            "at most 32 bits",
        ),
        (b"\0\0\0\0", "not an array of rows and columns"),
        (None, "not an array of rows and columns"),
    ],
)
def test_an_image_that_cannot_be_decoded_is_kept_with_one_line_and_allocates_nothing(
    data: Any, expected: str
) -> None:
    whole = image(data)
    tracemalloc.start()
    try:
        reason = refused(whole)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert expected in reason
    assert peak < 5_000_000


def test_an_image_without_data_is_kept_with_one_line() -> None:
    assert refused(message(type="image", image_id=3)) == "the image message holds no data."
    assert refused(message(type="image", image_id=3, data=[1])) == "the image message holds no data."
