"""The recorded series of an EIGER2 16M, against HDF5's own filter and what is known of that detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cbor2
import h5py
import hdf5plugin
import numpy as np
import pytest

from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream_reader import StreamReader

SHAPE = (4362, 4148)


def events(folder: Path, *names: str) -> list[Any]:
    reader = StreamReader()
    return [reader.event((folder / f"{name}.cbor").read_bytes()) for name in names]


def by_hdf5(message: bytes) -> np.ndarray[Any, Any]:
    """Let HDF5 decode the image of a message."""
    chunk = cbor2.loads(message)["data"]["threshold_1"].value[1].value.value[2]
    with h5py.File("image", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", SHAPE, "u2", chunks=SHAPE, **hdf5plugin.Bitshuffle())
        data.id.write_direct_chunk((0, 0), chunk)
        return np.asarray(data[()])


def test_the_series_is_read_whole(recorded_series: Path) -> None:
    start, image, end = events(recorded_series, "start", "image", "end")
    assert isinstance(start, SeriesStart)
    assert isinstance(image, LiveFrame)
    assert isinstance(end, SeriesEnd)
    assert {start.series, image.series, end.series} == {"01HBV3JPF9T4ZDPADX6EMK6XMZ"}
    assert (start.announced, start.notes, image.number) == (
        1,
        (),
        0,
    )  # its mask is a stub, which is no mistake


def test_the_geometry_comes_from_the_start(recorded_series: Path) -> None:
    geometry = events(recorded_series, "start", "image")[1].geometry
    assert geometry.detector == "Dectris EIGER2 Si 16M"
    assert geometry.wavelength == pytest.approx(0.918381, abs=1e-6)
    assert geometry.distance == pytest.approx(0.237159, abs=1e-6)
    assert geometry.beam_centre == pytest.approx((2049.384, 2163.621), abs=1e-3)
    assert geometry.pixel_size == (75e-6, 75e-6)


@pytest.mark.parametrize("names", [("start", "image"), ("image",)])
def test_the_pixels_are_those_of_hdf5s_filter_with_or_without_the_start(
    recorded_series: Path, names: tuple[str, ...]
) -> None:
    frame = events(recorded_series, *names)[-1].read()
    expected = by_hdf5((recorded_series / "image.cbor").read_bytes())
    np.testing.assert_array_equal(frame.counts, expected)
    saturation = 21517 if "start" in names else 65534
    np.testing.assert_array_equal(frame.mask, expected > saturation)
    assert 0.06 < frame.mask.mean() < 0.08  # the gaps between the modules
