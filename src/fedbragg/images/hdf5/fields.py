"""Fields of an open HDF5 file, or None where they are missing, unreadable or of another kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DETECTORS = ("entry/instrument/detector", "entry_1/instrument_1/detector_1")
INSTRUMENTS = ("entry/instrument", "entry_1/instrument_1")


def item(group: Any, name: str) -> Any:
    """Return the group or dataset behind a name."""
    try:
        return None if group is None else group.get(name)
    except (KeyError, OSError, RuntimeError):
        return None


def first_group(file: Any, places: tuple[str, ...]) -> Any:
    """Return the first of several places that is a group."""
    import h5py

    groups = (item(file, place) for place in places)
    return next((group for group in groups if isinstance(group, h5py.Group)), None)


def detector_group(file: Any) -> Any:
    """Return the detector's group, found by its usual name or by its NeXus class."""
    usual = first_group(file, DETECTORS)
    if usual is not None:
        return usual
    instruments = [first_group(file, (place,)) for place in INSTRUMENTS]
    members = [
        member
        for group in instruments
        if group is not None
        for member in group.values()
        if member is not None
    ]
    return next(
        (member for member in members if member.attrs.get("NX_class") in ("NXdetector", b"NXdetector")), None
    )


def scalar(group: Any, name: str) -> float | None:
    """Return the first element of a numeric dataset, if it is finite."""
    dataset = _dataset(group, name, "iuf")
    if dataset is None or not dataset.size:
        return None
    value = float(np.ravel(dataset[(0,) * dataset.ndim])[0])
    return value if np.isfinite(value) else None


def integers(group: Any, name: str) -> NDArray[Any] | None:
    """Return an integer array of one dimension or more."""
    dataset = _dataset(group, name, "iub")
    return None if dataset is None or dataset.ndim < 1 else np.asarray(dataset[()])


def text(group: Any, name: str) -> str | None:
    """Return the first element of a dataset of strings."""
    dataset = _dataset(group, name, "OS")
    if dataset is None:
        return None
    value = np.ravel(dataset[()])[0]
    return value.decode("utf-8", "replace").strip("\0 ") if isinstance(value, bytes) else str(value)


def unit(group: Any, name: str) -> str | None:
    """Return the attribute ``units`` of a field."""
    field = item(group, name)
    value = None if field is None else field.attrs.get("units")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _dataset(group: Any, name: str, kinds: str) -> Any:
    """Return a dataset whose dtype is of one of the kinds."""
    import h5py

    found = item(group, name)
    return found if isinstance(found, h5py.Dataset) and found.dtype.kind in kinds else None
