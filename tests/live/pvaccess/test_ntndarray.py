"""Values as areaDetector's plug-ins make them: what is read, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from messages import counts_of
from p4p import Value
from p4p.nt import NTNDArray

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.live.message import MessageError
from fedbragg.live.packed_image import NO_COMPRESSION, PackedImage
from fedbragg.live.pixels import Decoding, unpacked
from fedbragg.live.pvaccess.ntndarray import MEMBERS, fields_of, packed_image
from fedbragg.workflows.replay import _packed

COUNTS = counts_of(1)
NTNDARRAY = NTNDArray.buildType()


def value(**fields: Any) -> Value:
    """Return an NTNDArray of 90 columns and 72 rows."""
    dimension = [{"size": size} for size in fields.pop("sizes", (90, 72))]
    return Value(NTNDARRAY, {"uniqueId": 5, "dimension": dimension, **fields})


@pytest.mark.parametrize("dtype", sorted(set(MEMBERS) - {"i8", "u8", "f8"}))
@pytest.mark.parametrize("compression", ["none", "lz4", "bslz4"])
def test_images_of_every_type_come_back(dtype: str, compression: str) -> None:
    pixels = (COUNTS % 100).astype(dtype)
    sent = Value(NTNDARRAY, fields_of(_packed(pixels, compression), 5))
    assert [int(each.size) for each in sent.dimension] == [90, 72]
    assert sent.codec.name == ("" if compression == "none" else compression)
    found = unpacked(packed_image(sent), Decoding(BufferPool(0)), None).counts
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, pixels)


def test_what_cannot_be_packed_is_sent_as_it_is() -> None:
    noise = np.random.default_rng(1).integers(0, 1 << 16, (72, 90), np.uint16)
    assert _packed(noise, "lz4").compression == NO_COMPRESSION


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"value": ("ubyteValue", np.zeros(50, "u1")), "codec": {"name": "jpeg", "parameters": 5}},
            "its codec is jpeg, which changes counts. Set the codec to none, lz4 or bslz4.",
        ),
        (
            {"value": ("ubyteValue", np.zeros(50, "u1")), "codec": {"name": "blosc", "parameters": 5}},
            "its codec is blosc. Set the codec to none, lz4 or bslz4.",
        ),
        ({"value": ("ubyteValue", np.zeros(50, "u1")), "codec": {"name": "lz4"}}, "does not name the type"),
        ({"value": ("ushortValue", COUNTS.ravel()), "sizes": (3, 90, 72)}, "it has 3 dimensions"),
        ({"value": ("ushortValue", COUNTS.ravel()), "sizes": (91, 72)}, "but its data hold 12960"),
        ({"value": ("ushortValue", COUNTS.ravel()), "sizes": (0, 72)}, "images of 2 are read"),
        ({"value": ("booleanValue", np.zeros(6480, "?"))}, "not an array of numbers"),
        (
            {"value": ("ubyteValue", np.zeros(50, "u1")), "codec": {"name": "bslz4", "parameters": 6}},
            "do not have the size of its image",
        ),
    ],
)
def test_what_is_wrong_with_a_value_is_said(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        packed_image(value(**fields))
    assert reason in str(caught.value)


def test_an_image_has_its_size_in_bytes() -> None:
    image = PackedImage((72, 90), COUNTS.dtype, NO_COMPRESSION, 0, COUNTS.tobytes())
    assert fields_of(image, 3)["uncompressedSize"] == 12960
