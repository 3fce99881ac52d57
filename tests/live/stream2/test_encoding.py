"""What our encoder writes, HDF5 and our reader decode to the same."""

from __future__ import annotations

from typing import Any

import cbor2
import h5py
import hdf5plugin
import numpy as np
import pytest
from messages import GEOMETRY, Series

from fedbragg.live.stream2.encoding import COMPRESSIONS, array, packer
from fedbragg.live.stream_reader import StreamReader

FILTERS = {"bslz4": hdf5plugin.Bitshuffle, "lz4": hdf5plugin.LZ4}


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "i4"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("shape", [(72, 90), (1, 5), (67, 83)])
def test_a_series_comes_back(dtype: str, compression: str, shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(1).poisson(2, shape).astype(dtype)
    series = Series("s", 3, shape, dtype, compression)
    reader = StreamReader()
    reader.event(series.start)
    event: Any = reader.event(series.image(2, counts))
    frame = event.read()
    assert (event.series, event.number, event.geometry) == ("s", 2, GEOMETRY)
    assert frame.counts.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(frame.counts, counts)
    assert not frame.mask.any()


@pytest.mark.parametrize("compression", FILTERS)
def test_the_packed_bytes_are_an_hdf5_chunk(compression: str) -> None:
    counts = np.random.default_rng(1).poisson(2, (67, 83)).astype("u2")
    shape, typed = array(counts, packer(compression)).value
    algorithm, _, chunk = typed.value.value
    assert (algorithm, shape, typed.tag) == (compression, [67, 83], 69)
    with h5py.File("image", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("data", counts.shape, "u2", chunks=counts.shape, **FILTERS[compression]())
        data.id.write_direct_chunk((0, 0), chunk)
        np.testing.assert_array_equal(data[()], counts)


def test_the_start_is_what_a_detector_sends() -> None:
    mask = np.zeros((72, 90), bool)
    mask[:, 3] = True
    fields = cbor2.loads(Series("s", 5, mask=mask, saturation=60000.0).start)
    assert (fields["image_size_x"], fields["image_size_y"]) == (90, 72)
    assert fields["detector_translation"][2] == -0.175
    assert fields["saturation_value"] == 60000
    assert fields["channels"] == list(fields["pixel_mask"]) == ["threshold_1"]
