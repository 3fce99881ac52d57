"""Where an HDF5 file keeps its images: NXmx, Eiger, CXI, the layout of CXIDB entry 76, or the largest dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.errors import RunError
from fedbragg.images.sorting import natural_key

PLACES = (
    "entry/data/data",
    "entry/data/raw",
    "entry/instrument/detector/data",
    "entry_1/data_1/data",
    "entry_1/instrument_1/detector_1/data",
    "entry_1/image_1/data",
    "data/data",
)
"""Tried in this order, after the numbered links of Eiger and the chunks of CXIDB entry 76."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageDataset:
    """A dataset of images, found in an open file."""

    address: str  # file and name, for messages
    dataset: Any  # None where the link leads nowhere
    event: str = ""  # CrystFEL's value for the ``%`` of ``/entry/data/%``; empty where it needs none

    @property
    def frames(self) -> int:
        """Return the number of frames; a missing dataset counts as one, so that it is reported."""
        if self.dataset is None or self.dataset.ndim < 3:
            return 1
        return int(self.dataset.shape[0])


def find_image_datasets(file: Any, path: str) -> list[ImageDataset]:
    """Return the datasets of images in the order of their frames; raise RunError where there is none."""
    datasets = _event_datasets(file) or _at_known_place(file) or _largest(file)
    if not datasets:
        raise RunError(
            f"{path}: holds no stack of images. Expected one of /entry/data/data, /entry/data/data_000001, "
            "/entry_1/data_1/data, /data/*/images, or any integer dataset (frames, rows, cols)."
        )
    return datasets


def is_eiger_master(file: Any) -> bool:
    """Return whether the images of a file lie in the numbered data files of a DECTRIS detector."""
    return bool(_numbered_links(file))


def _event_datasets(file: Any) -> list[ImageDataset]:
    return _numbered_links(file) or _cxidb_chunks(file)


def _numbered_links(file: Any) -> list[ImageDataset]:
    """Return the links data_000001, data_000002 ... of an Eiger master file."""
    for entry in _entries(file):
        group = entry.get("data")
        if not _is_group(group):
            continue
        names = sorted((name for name in group if _is_numbered(name)), key=natural_key)
        if names:
            return [ImageDataset(_address(group, name), _dataset(group, name), name) for name in names]
    return []


def _is_numbered(name: str) -> bool:
    return name.startswith("data_") and name[5:].isdecimal()


def _cxidb_chunks(file: Any) -> list[ImageDataset]:
    """Return the datasets /data/<chunk>/images of CXIDB entry 76."""
    group = file.get("data")
    if not _is_group(group):
        return []
    found = [
        ImageDataset(f"data/{name}/images", _dataset(group, f"{name}/images"), name)
        for name in sorted(group, key=natural_key)
    ]
    return [images for images in found if images.dataset is not None]


def _at_known_place(file: Any) -> list[ImageDataset]:
    for place in PLACES:
        dataset = _dataset(file, place)
        if dataset is not None and _holds_images(dataset):
            return [ImageDataset(place, dataset)]
    return []


def _largest(file: Any) -> list[ImageDataset]:
    """Return the largest dataset of images, with those of other groups that share its name and frame shape."""
    found: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        if _holds_images(item):
            found[name] = item

    file.visititems(collect)
    if not found:
        return []
    largest = max(found, key=lambda name: int(found[name].size))
    alike = [name for name in found if _are_alike(name, found[name], largest, found[largest])]
    return [ImageDataset(name, found[name]) for name in sorted(alike, key=natural_key)]


def _are_alike(name: str, dataset: Any, other_name: str, other: Any) -> bool:
    same_name = name.rpartition("/")[2] == other_name.rpartition("/")[2]
    return bool(same_name and dataset.shape[-2:] == other.shape[-2:] and dataset.ndim == other.ndim)


def _holds_images(item: Any) -> bool:
    import h5py

    return (
        isinstance(item, h5py.Dataset)
        and item.dtype.kind in "iuf"
        and item.ndim in (2, 3, 4)
        and min(item.shape[-2:]) > 4
    )


def _entries(file: Any) -> Iterator[Any]:
    for name in sorted(file, key=natural_key):
        if name.startswith("entry"):
            item = file.get(name)
            if _is_group(item):
                yield item


def _is_group(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Group)


def _dataset(group: Any, name: str) -> Any:
    """Return the dataset behind a name, or None where the link leads nowhere."""
    import h5py

    try:
        item = group[name]
    except (KeyError, OSError, RuntimeError):
        return None
    return item if isinstance(item, h5py.Dataset) else None


def _address(group: Any, name: str) -> str:
    """Return the file and name that a link points to, for messages."""
    import h5py

    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return f"{Path(link.filename)}:{link.path}"
    return f"{group.name}/{name}"
