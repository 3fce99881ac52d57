"""The bad-pixel masks that a CrystFEL geometry file names: arrays of bits in HDF5 files.

A mask has a place in a file (``mask0_data``, or ``mask`` in older files), perhaps a file of its own (``mask0_file``),
and bits: a pixel is bad if one of ``badbits`` is set or one of ``goodbits`` is not (man crystfel_geometry, "Bad pixel
masks").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError

MOST_MASKS = 8
"""mask0 to mask7."""


@dataclass(frozen=True, slots=True)
class NamedMask:
    """One mask that a geometry file names."""

    data: str  # the array's place in an HDF5 file
    file: str | None  # None: the file of the images
    good: int  # bits that must all be set
    bad: int  # bits of which none may be set

    def bad_pixels(self, file: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of a frame (rows, cols) the mask of this file calls bad.

        Raises ConfigError where the file has no such mask, or one of another size.
        """
        bits = self._read(file)
        if bits.size != shape[0] * shape[1]:
            size = " x ".join(map(str, bits.shape))
            raise ConfigError(
                f"{file}: the mask {self.data} has {size} pixels, the frames {shape[0]} x {shape[1]}."
            )
        found = bits.reshape(shape)
        return np.asarray(((found & self.bad) != 0) | ((found & self.good) != self.good))

    def _read(self, file: Path) -> NDArray[np.int64]:
        import h5py

        try:
            with h5py.File(file) as content:
                return np.asarray(content[self.data][()]).astype(np.int64)
        except (OSError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{file}: no mask {self.data!r}, which the geometry file names ({error})."
            ) from None


def named_masks(panels: Iterable[Mapping[str, str]], path: Path) -> tuple[NamedMask, ...]:
    """Return the masks that all panels' keys name; raise ConfigError where they differ or vary from frame to frame."""
    found = {_masks_of(keys, path) for keys in panels}
    if len(found) > 1:
        raise ConfigError(
            f"{path}: its panels have different masks, which cannot be read. Give one mask for all of them."
        )
    return next(iter(found), ())


def _masks_of(keys: Mapping[str, str], path: Path) -> tuple[NamedMask, ...]:
    masks = [
        _mask(keys, (f"mask{n}_data", f"mask{n}_file", f"mask{n}_goodbits", f"mask{n}_badbits"), path)
        for n in range(MOST_MASKS)
    ]
    masks.append(_mask(keys, ("mask", "mask_file", "mask_good", "mask_bad"), path))
    return tuple(mask for mask in masks if mask is not None)


def _mask(keys: Mapping[str, str], names: tuple[str, str, str, str], path: Path) -> NamedMask | None:
    data, file, good, bad = (keys.get(name) for name in names)
    if data is None:
        return None
    if "%" in data:
        raise ConfigError(
            f"{path}: {names[0]} = {data}: a mask of each frame cannot be read. Name one for all frames."
        )
    return NamedMask(data, file, _bits(good, 0, path), _bits(bad, 0xFFFFFFFF, path))


def _bits(text: str | None, otherwise: int, path: Path) -> int:
    if text is None:
        return otherwise
    try:
        return int(text, 0)
    except ValueError:
        raise ConfigError(f"{path}: {text!r} are not bits, such as 0x1f.") from None


def file_of(mask: NamedMask, geometry: Path, images: Path) -> Path:
    """Return the file that holds a mask; a relative name starts at the geometry file's folder."""
    return images if mask.file is None else geometry.parent / mask.file
