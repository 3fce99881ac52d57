"""Read a file of a powder pattern (.npy, .xy, .xye, .csv, .chi, .xrdml, .dat, .txt) and check it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import q_of
from fedbragg.errors import InputError
from fedbragg.images.frame_address import file_and_frame
from fedbragg.tasks.phases.files.columns import Columns
from fedbragg.tasks.phases.files.text import read_text
from fedbragg.tasks.phases.files.xrdml import read_xrdml
from fedbragg.types import Pattern

FEWEST_POINTS = 64
"""With fewer points a pattern shows no lines."""
SUFFIXES = (".npy", ".xy", ".xye", ".csv", ".chi", ".xrdml", ".dat", ".txt")
"""Files with these suffixes are read as patterns, all others as images."""
_REMEDY = "Give a pattern with two columns: two-theta in degrees, rising, and intensity."


def is_pattern(path: Path) -> bool:
    """Tell whether a path is read as a pattern: it has a pattern's suffix, or is no file, which is reported here."""
    return path.suffix.lower() in SUFFIXES or not Path(file_and_frame(str(path))[0]).is_file()


def read_pattern(path: Path, wavelength: float | None, *, given: bool = False) -> Pattern:
    """Read a pattern; ``wavelength`` (angstrom) converts angles to q unless the file gives its own.

    With ``given`` the wavelength replaces the file's. Raises InputError with the file, the problem and the remedy.
    """
    columns = _read(path)
    if columns.axis.ndim != 1 or columns.axis.shape != columns.intensity.shape:
        raise InputError(f"{path}: axis and intensity differ in length. {_REMEDY}")
    used = wavelength if given or columns.wavelength is None else columns.wavelength
    _check(path, columns)
    return Pattern(_q(path, columns, used), columns.intensity, str(path))


def _read(path: Path) -> Columns:
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a pattern. Give the files in it.")
    if not path.is_file():
        raise InputError(f"{path}: no such file. Give a pattern: .npy, .xy, .xye, .csv, .chi or .xrdml.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty. {_REMEDY}")
    try:
        if path.suffix.lower() == ".npy":
            return _read_npy(path)
        return read_xrdml(path) if path.suffix.lower() == ".xrdml" else read_text(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _read_npy(path: Path) -> Columns:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{path}: not a .npy file of numbers ({error}). Give an array of shape (2, N)."
        ) from None
    if array.ndim != 2 or 2 not in array.shape or array.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: an array of shape {array.shape} and type {array.dtype}. Give numbers of shape (2, N): two-theta "
            "in degrees, and intensity."
        )
    axis, intensity = array.astype(np.float64) if array.shape[0] == 2 else array.T.astype(np.float64)
    return Columns(axis, intensity)


def _check(path: Path, columns: Columns) -> None:
    axis, intensity = columns.axis, columns.intensity
    if len(axis) < FEWEST_POINTS:
        raise InputError(f"{path}: {len(axis)} points; a pattern needs at least {FEWEST_POINTS}.")
    broken = np.flatnonzero(~(np.isfinite(axis) & np.isfinite(intensity)))
    if len(broken):
        raise InputError(
            f"{path}: point {broken[0] + 1} is not a finite number ({len(broken)} in all). Leave such points out."
        )
    falling = np.flatnonzero(np.diff(axis) <= 0)
    if len(falling):
        raise InputError(
            f"{path}: the axis does not rise after point {falling[0] + 1} ({axis[falling[0]]:g}, then "
            f"{axis[falling[0] + 1]:g}). Sort the points, each angle once."
        )


def _q(path: Path, columns: Columns, wavelength: float | None) -> NDArray[np.float64]:
    if columns.unit != "degree":
        return columns.axis / (10.0 if columns.unit == "1/nm" else 1.0)
    if columns.axis[0] < 0 or columns.axis[-1] > 180:
        raise InputError(
            f"{path}: the axis runs from {columns.axis[0]:g} to {columns.axis[-1]:g}; two-theta lies between 0 and 180 "
            "degrees."
        )
    if wavelength is None:
        raise InputError(f"{path}: angles without a wavelength. Give --wavelength in angstrom.")
    return q_of(columns.axis, wavelength)
