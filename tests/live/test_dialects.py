"""Messages of other senders than DECTRIS' Stream2, built as their senders describe them, and told apart by content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import h5py
import hdf5plugin
import numpy as np
import pytest
from made_frames import frame_of
from messages import GEOMETRY, SHAPE, Series, counts_of, image, packed, tagged_array
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.images import open_run
from fedbragg.live.kept_images import KeptImages
from fedbragg.live.message import joined, parts_of
from fedbragg.live.series_folder import SeriesFolder, SeriesSettings
from fedbragg.live.source import Damaged, Ignored, LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream_reader import StreamReader
from fedbragg.testing import fake_series
from fedbragg.types import Verdict

COUNTS = counts_of(1)


def chunk(pixels: NDArray[Any], **packing: Any) -> bytes:
    """Return pixels as HDF5's filter packs them."""
    with h5py.File("packed", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", data=pixels, chunks=pixels.shape, **packing)
        file.flush()
        return bytes(data.id.read_direct_chunk((0,) * pixels.ndim)[1])


def blocks(pixels: NDArray[Any], elements: int = 0) -> bytes:
    """Return bitshuffle's blocks without the header that HDF5 puts before them."""
    return chunk(pixels, **hdf5plugin.Bitshuffle(nelems=elements, cname="lz4"))[12:]


def refused(event: object) -> str:
    assert isinstance(event, LiveFrame), event
    with pytest.raises(FrameError) as caught:
        event.read()
    return caught.value.reason


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4"])
def test_jungfraujochs_zstandard_is_read_and_written_on(dtype: str, tmp_path: Path) -> None:
    pixels = (COUNTS % 100).astype(dtype)
    data = chunk(pixels, **hdf5plugin.Bitshuffle(cname="zstd"))
    tag = {"u1": 64, "u2": 69, "u4": 70, "i2": 77, "i4": 78}[dtype]
    reader = StreamReader()
    reader.event(Series("s", 3).start)
    message = image(tagged_array(list(SHAPE), tag, packed("bszstd", pixels.itemsize, data)))
    event: Any = reader.event(message)
    np.testing.assert_array_equal(event.read().counts, pixels)
    kept = KeptImages(tmp_path, pytest.fail)
    kept.add(event, Verdict("s", 0, 0.9, True))
    kept.close()
    np.testing.assert_array_equal(open_run(kept.path)[0].counts, pixels)
    short = reader.event(image(tagged_array(list(SHAPE), tag, packed("bszstd", pixels.itemsize, data[:-20]))))
    assert "bitshuffle-Zstandard data are damaged" in refused(short)


def lcls(prefix: bytes = b"", **fields: Any) -> bytes:
    return prefix + cbor2.dumps({"run_id": 17, "timestamp": 1.5, **fields})


def lcls_start(prefix: bytes = b"", **fields: Any) -> bytes:
    about = {"image_dtype": "uint16", "shape": "72x90", "algorithm": "bitshuffle-lz4"}
    return lcls(prefix, type="start", detector={"name": "jungfrau"}, **about, **fields)


@pytest.mark.parametrize("prefix", [b"", b"c", b"m"])
@pytest.mark.parametrize("elements", [0, 4096])
def test_lclstreamers_images_are_read(prefix: bytes, elements: int) -> None:
    reader = StreamReader()
    start = reader.event(lcls_start(prefix))
    assert isinstance(start, SeriesStart)
    assert (start.series, start.unique) == ("run-17", False)
    event: Any = reader.event(
        lcls(prefix, type="image", compressed_data=blocks(COUNTS, elements), message_id=1)
    )
    np.testing.assert_array_equal(event.read().counts, COUNTS)
    assert event.geometry.detector == "jungfrau"
    assert isinstance(reader.event(lcls(prefix, type="stop")), SeriesEnd)
    assert isinstance(reader.event(lcls(prefix, type="end")), SeriesEnd)
    assert isinstance(reader.event(lcls(prefix, type="status")), Ignored)


def test_lclstreamers_panels_lie_below_each_other() -> None:
    panels = np.random.default_rng(1).normal(5, 2, (2, 40, 51)).astype("f4")
    reader = StreamReader()
    about = {"image_dtype": "float32", "shape": "2x40x51", "algorithm": "bitshuffle-lz4"}
    reader.event(lcls(type="start", **about))
    event: Any = reader.event(lcls(type="image", compressed_data=blocks(panels, 4096), message_id=1))
    frame = event.read()
    np.testing.assert_array_equal(frame.counts, panels.reshape(80, 51))
    assert frame.panels == ((0, 40, 0, 51), (40, 80, 0, 51))


def test_lclstreamers_processes_count_apart_and_gaps_are_missing() -> None:
    reader, data = StreamReader(), blocks(COUNTS)
    reader.event(lcls_start())
    counts = [
        1,
        10_001,
        2,
        20_001,
        10_002,
        5,
        20_002,
        1,
    ]  # 3 and 4 of the first are missing; then it begins anew
    events: list[Any] = [
        reader.event(lcls(type="image", compressed_data=data, message_id=count)) for count in counts
    ]
    assert [event.number for event in events] == [0, 1, 2, 3, 4, 7, 8, 9]


def test_what_is_wrong_with_lclstreamers_images_is_said() -> None:
    reader, data = StreamReader(), blocks(COUNTS)
    assert "stand in the start message" in refused(
        reader.event(lcls(type="image", compressed_data=data, image_dtype="uint16", message_id=1))
    )
    reader.event(lcls_start())
    wrong = {
        "do not have the size": {"compressed_data": data[:-4]},
        "are not bytes": {"compressed_data": "text"},
        "unknown type complex64": {"compressed_data": data, "image_dtype": "complex64"},
    }
    for number, (reason, fields) in enumerate(wrong.items()):
        assert reason in refused(reader.event(lcls(type="image", message_id=number, **fields)))
    for shape in ("72", "0x5", "axb", "1x1x1x1", "99999x99999"):
        reader.event(lcls(type="start", image_dtype="uint16", shape=shape))
        refused(reader.event(lcls(type="image", compressed_data=data, message_id=1)))
    event = reader.event(lcls(type="image"))
    assert isinstance(event, Damaged)
    assert "without a number (message_id)" in event.reason


def text(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def v1_header(**config: Any) -> list[bytes]:
    mask = np.zeros(SHAPE, "u4")
    mask[5:9, 3] = 1
    rows, columns = SHAPE
    described = {
        "beam_center_x": 35.5, "beam_center_y": 20.25, "detector_distance": 0.175, "wavelength": 0.9763,
        "x_pixel_size": 75e-6, "y_pixel_size": 80e-6, "description": "made for a test", "nimages": 3, "ntrigger": 2,
        "countrate_correction_count_cutoff": 90, **config,
    }  # fmt: skip
    return [
        text(htype="dheader-1.0", series=4, header_detail="all"),
        text(**described),
        text(htype="dflatfield-1.0", shape=[columns, rows], type="float32"),
        bytes(4 * rows * columns),
        text(htype="dpixelmask-1.0", shape=[columns, rows], type="uint32"),
        mask.tobytes(),
    ]


def v1_image(data: bytes, encoding: str, kind: str = "uint16", frame: int = 2) -> list[bytes]:
    rows, columns = SHAPE
    return [
        text(htype="dimage-1.0", series=4, frame=frame, hash="0"),
        text(htype="dimage_d-1.0", shape=[columns, rows], type=kind, encoding=encoding, size=len(data)),
        data,
        text(htype="dconfig-1.0", start_time=0, stop_time=1, real_time=1),
    ]


@pytest.mark.parametrize(
    ("encoding", "dtype", "data"),
    [
        ("bs16-lz4<", "u2", chunk(COUNTS, **hdf5plugin.Bitshuffle(cname="lz4"))),
        ("bs32-lz4<", "u4", chunk(COUNTS.astype("u4"), **hdf5plugin.Bitshuffle(cname="lz4"))),
        ("lz4<", "u2", chunk(COUNTS, **hdf5plugin.LZ4(nbytes=COUNTS.nbytes))[16:]),
        ("<", "u2", COUNTS.tobytes()),
        (">", "u2", COUNTS.astype(">u2").tobytes()),
    ],
)
def test_stream_v1_is_read(encoding: str, dtype: str, data: bytes) -> None:
    reader = StreamReader()
    start = reader.event(*v1_header())
    assert isinstance(start, SeriesStart)
    assert (start.series, start.announced, start.notes, start.unique) == ("series-4", 6, (), False)
    kind = {"u2": "uint16", "u4": "uint32"}[dtype]
    event = reader.event(*v1_image(data, encoding, kind))
    assert isinstance(event, LiveFrame)
    assert (event.number, event.geometry, event.saturation) == (2, GEOMETRY, 90)
    frame = event.read()
    np.testing.assert_array_equal(frame.counts, COUNTS)
    mask = COUNTS > 90
    mask[5:9, 3] = True
    np.testing.assert_array_equal(frame.mask, mask)
    assert event.packed().size == COUNTS.size * np.dtype(dtype).itemsize
    end = reader.event(text(htype="dseries_end-1.0", series=4))
    assert isinstance(end, SeriesEnd)


def test_what_is_wrong_with_stream_v1_is_said() -> None:
    reader = StreamReader()
    wrong = {
        "uint16 packed as zip<, which is not read here": v1_image(b"x", "zip<"),
        "but its data hold 1": v1_image(b"x", "<"),
        "has 2 of its parts only": v1_image(b"x", "<")[:2],
        "LZ4 data are damaged": v1_image(bytes(200), "lz4<"),
        "packed bytes cannot hold": v1_image(bytes(5), "lz4<"),
        "bitshuffled": v1_image(b"x" * 30, "bs16<"),
    }
    for reason, parts in wrong.items():
        said = refused(reader.event(*parts))
        assert reason in said or reason == "bitshuffled"
    for parts in ([b"{no json"], [text(htype="dimage-1.0")], [text(htype="dimage-1.0", series=4)]):
        assert isinstance(reader.event(*parts), Damaged)
    header = v1_header()
    header[5] = header[5][:-3]
    start = reader.event(*header)
    assert isinstance(start, SeriesStart)
    assert start.notes[0].startswith("the pixel mask is not used: 72 x 90 uint32 are 25920 bytes, but")


def test_parts_can_be_kept_as_one_message_and_taken_apart() -> None:
    parts = v1_image(b"data", "<")
    assert parts_of(joined(parts)) == parts
    for message in (
        b"",
        b"abc",
        Series("s", 1).start,
        cbor2.dumps(["fedbragg-parts", 5]),
        b"\x82nfedbragg-parts",
    ):
        assert parts_of(message) == [message]
        assert joined([message]) == message


def folder(out: Path, *, fresh: bool = False) -> SeriesFolder:
    return SeriesFolder("run-17", SeriesSettings(out, "digest", 0.5, True, 2), None, fresh=fresh)


def add_counted(into: SeriesFolder, *numbers: int) -> list[int]:
    """Add frames whose numbers count what came; return the numbers that were written, and close."""
    verdicts = [Verdict("run-17", number, 0.9, True, event=f"//{number}") for number in numbers]
    frames = [fake_series("run-17", [number], frame_of, counted=True)[1] for number in numbers]
    written = [
        found
        for frame, verdict in zip(frames, verdicts, strict=True)
        for found in into.add(frame, verdict)  # type: ignore[arg-type]
    ]
    written += into.idle()
    into.close(ended=False)
    assert [frame.number for frame, _ in written] == [verdict.index for _, verdict in written]
    return [verdict.index for _, verdict in written]


def test_frames_without_numbers_of_their_own_follow_those_of_an_earlier_watch(tmp_path: Path) -> None:
    assert add_counted(folder(tmp_path), 0, 1, 3) == [0, 1, 3]
    assert add_counted(folder(tmp_path), 0, 2) == [4, 6]
    assert (tmp_path / "run-17/hits.lst").read_text().splitlines()[-1] == "run-17 //6"


def test_a_series_that_begins_with_a_used_name_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    assert add_counted(folder(tmp_path, fresh=True), 0, 1) == [0, 1]
    assert add_counted(folder(tmp_path, fresh=True), 0) == [0]
    assert add_counted(folder(tmp_path), 0) == [1]  # goes on with the latest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-17", "run-17-2"]
