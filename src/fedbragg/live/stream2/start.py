"""The start message of a series: channels, geometry, mask and saturation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.header import Header, pair, stated_centre
from fedbragg.images.mask import Mask, TrustedRange
from fedbragg.images.units import wavelength_of
from fedbragg.live.message import MessageError, number, positive, shown, whole_number
from fedbragg.live.pixels import Decoding, unpacked
from fedbragg.live.stream2.arrays import packed_image
from fedbragg.live.streamed_series import Start
from fedbragg.types import Geometry

STUB = 4
"""Bytes that stand for an array which the detector leaves out."""


def read_start(fields: Mapping[Any, Any]) -> Start:
    """Read a start message; a field that is missing or makes no sense counts as unknown."""
    size = whole_number(fields.get("image_size_y")), whole_number(fields.get("image_size_x"))
    masks, notes = _masks(fields.get("pixel_mask"), size)
    channels = fields.get("channels")
    named = channels if isinstance(channels, Sequence) and not isinstance(channels, str | bytes) else ()
    return Start(
        tuple(name for name in named if isinstance(name, str)),
        Header(_geometry(fields), TrustedRange(high=positive(fields.get("saturation_value")))),
        masks,
        whole_number(fields.get("number_of_images")) or None,
        notes,
    )


def _geometry(fields: Mapping[Any, Any]) -> Geometry:
    description, energy = fields.get("detector_description"), positive(fields.get("incident_energy"))
    return Geometry(
        detector=shown(description) if isinstance(description, str) else None,
        wavelength=positive(fields.get("incident_wavelength"))
        or (wavelength_of(energy, "eV") if energy else None),
        distance=_distance(fields),
        beam_centre=stated_centre(number(fields.get("beam_center_x")), number(fields.get("beam_center_y"))),
        pixel_size=pair(positive(fields.get("pixel_size_x")), positive(fields.get("pixel_size_y"))),
    )


def _distance(fields: Mapping[Any, Any]) -> float | None:
    """Return metres from sample to detector: the length of the translation's part along the beam.

    DECTRIS gives it against the beam's direction, so it is negative; Jungfraujoch names the distance itself.
    """
    named = positive(fields.get("detector_distance"))
    if named is not None:
        return named
    translation = fields.get("detector_translation")
    if not isinstance(translation, Sequence) or isinstance(translation, str | bytes) or len(translation) != 3:
        return None
    along = number(translation[2])
    return abs(along) if along else None


def _masks(values: object, size: tuple[int | None, int | None]) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Return the mask of each channel, and a note on each that cannot be used for images of ``size``."""
    masks: dict[str, Mask] = {}
    notes = []
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if not isinstance(name, str) or (isinstance(value, bytes) and len(value) <= STUB):
            continue  # the detector leaves the mask out: header_detail is not all
        try:
            masks[name] = _mask(value, size)
        except MessageError as error:
            notes.append(f"the pixel mask of {shown(name)} is not used: {error}")
    return masks, tuple(notes)


def _mask(value: object, size: tuple[int | None, int | None]) -> Mask:
    image = packed_image(value)
    if None not in size and image.shape != size:
        raise MessageError(
            f"it has {image.shape[0]} x {image.shape[1]} pixels, the images {size[0]} x {size[1]}."
        )
    return np.asarray(unpacked(image, Decoding(BufferPool(0)), None).counts != 0)
