"""The number of images that a DECTRIS master file promises, before its data files hold them."""

from __future__ import annotations

from typing import Any

from fedbragg.images.hdf5.fields import detector_group, item, scalar
from fedbragg.images.hdf5.layout import is_eiger_master


def promised_images(file: Any) -> int | None:
    """Return the number of images that the detector was armed for; None if unknown.

    It is ``nimages``, those of a trigger, times ``ntrigger`` (DECTRIS SIMPLON API, detector configuration).
    """
    if not is_eiger_master(file):
        return None
    settings = item(detector_group(file), "detectorSpecific")
    images, triggers = scalar(settings, "nimages"), scalar(settings, "ntrigger")
    if images is None or images < 1:
        return None
    return int(images) * max(1, int(triggers or 1))
