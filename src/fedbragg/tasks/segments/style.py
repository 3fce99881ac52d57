"""The look of a site's micrographs without their structures: measured at one site, applied to structures of another.

Two kinds of style are known. ``statistics``: mean and deviation of every class's grey levels in each colour, the
adaptive instance normalisation of Huang and Belongie (2017) with one set of numbers a class, so that dark boundaries
can become bright ones. ``spectrum``: the mean amplitude of the lowest spatial frequencies (Liu et al. 2021, FedDG),
whose phases, which hold the structure, stay at the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, FederationError
from fedbragg.tasks.segments.blur import slightly_blurred
from fedbragg.types import State

Kind = Literal["statistics", "spectrum"]
FEWEST = 64
"""Pixels from which a class has a mean and a deviation."""
FLATTEST = 0.02
"""Half ranges, the least deviation of a class that another is divided by."""
PATCH = 256
"""pixel, along the edge of the squares whose spectra are averaged; a crop to train on is one."""
LOWEST = 12
"""Largest spatial frequency, in waves a patch, whose amplitude belongs to the style."""

Scaled = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """The look of a site's micrographs."""

    kind: Kind
    values: NDArray[np.float32]
    """statistics: (classes + 1, 3, 2) mean and deviation of each class and of all pixels in each colour, NaN where a
    class is rare. spectrum: (3, 2 LOWEST + 1, LOWEST + 1) amplitudes of the frequencies along rows and columns."""


def known_kind(kind: str) -> Kind:
    """Return a kind of style by its name; raise ConfigError for another."""
    for known in get_args(Kind):
        if kind == known:
            return cast(Kind, known)
    raise ConfigError(f"[style]: share: {kind!r} is not a style of micrographs.")


def style_of_picture(
    picture: Scaled, labels: NDArray[np.uint8], classes: int, kind: Kind = "statistics"
) -> Style:
    """Measure the style of a scaled picture (3, rows, cols) with its class indices (rows, cols)."""
    if kind == "spectrum":
        return Style(kind, _spectrum(picture))
    values = np.full((classes + 1, 3, 2), np.nan, np.float32)
    for index in range(classes + 1):
        pixels = picture[:, labels == index] if index < classes else picture.reshape(3, -1)
        if pixels.shape[1] >= FEWEST:
            values[index, :, 0], values[index, :, 1] = pixels.mean(axis=1), pixels.std(axis=1)
    return Style(kind, values)


def mean_style(styles: Sequence[Style]) -> Style:
    """Return the mean of the styles of a site's pictures, over those that have each class."""
    values = np.stack([style.values for style in styles])
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(counts, 1)
    return Style(styles[0].kind, np.where(counts > 0, mean, np.nan).astype(np.float32))


def restyled(part: Scaled, labels: NDArray[np.uint8], own: Style, other: Style) -> Scaled:
    """Return a part of a picture (3, rows, cols) as another site's micrographs look; ``own`` is the picture's style."""
    if other.kind == "spectrum":
        return _with_spectrum(part, other.values)
    gain, offset = _affine(own.values, other.values)
    shares = _soft_shares(labels, len(gain))
    gains, offsets = np.tensordot(gain.T, shares, 1), np.tensordot(offset.T, shares, 1)
    return (part * gains + offsets).astype(np.float32)


def style_tensors(style: Style) -> State:
    """Return a style as tensors to send."""
    return {style.kind: style.values}


def style_from(tensors: State, classes: int) -> Style:
    """Read a style that was received; raise FederationError where it does not fit these classes."""
    shapes = {"statistics": (classes + 1, 3, 2), "spectrum": (3, 2 * LOWEST + 1, LOWEST + 1)}
    for kind in get_args(Kind):
        if tensors.keys() == {kind}:
            values = np.asarray(tensors[kind])
            if values.shape == shapes[kind] and values.dtype == np.float32:
                return Style(kind, values)
    raise FederationError(
        f"a style holds {', '.join(sorted(tensors)) or 'nothing'}, not one known style of {classes} classes"
    )


def _affine(
    own: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return gain and offset (classes + 1, 3) that turn one style's means and deviations into the other's.

    A class that either lacks is treated as all pixels together.
    """
    both = (np.isfinite(own) & np.isfinite(other)).all(axis=(1, 2), keepdims=True)
    own, other = np.where(both, own, own[-1:]), np.where(both, other, other[-1:])
    gain = other[..., 1] / np.maximum(own[..., 1], FLATTEST)
    return gain.astype(np.float32), (other[..., 0] - gain * own[..., 0]).astype(np.float32)


def _soft_shares(labels: NDArray[np.uint8], kinds: int) -> NDArray[np.float32]:
    """Return each class's share in a pixel's neighbourhood, (classes + 1, rows, cols); the last is unlabelled."""
    index = np.minimum(labels, kinds - 1)
    shares: NDArray[np.float32] = (index[None] == np.arange(kinds)[:, None, None]).astype(np.float32)
    return slightly_blurred(shares)


def _spectrum(picture: Scaled) -> NDArray[np.float32]:
    more = [max(PATCH - length, 0) for length in picture.shape[1:]]
    picture = np.pad(picture, ((0, 0), (0, more[0]), (0, more[1])), mode="symmetric")
    rows, cols = picture.shape[1:]
    patches = [
        _low(np.abs(np.fft.rfft2(picture[:, row : row + PATCH, col : col + PATCH]))) / PATCH**2
        for row in range(0, rows - PATCH + 1, PATCH)
        for col in range(0, cols - PATCH + 1, PATCH)
    ]
    mean: NDArray[np.float32] = np.mean(patches, axis=0).astype(np.float32)
    return mean


def _low(transform: NDArray[Any]) -> NDArray[Any]:
    """Return the lowest frequencies of a transform (3, rows, cols / 2 + 1): rows -LOWEST to LOWEST, columns from 0."""
    return np.concatenate([transform[:, -LOWEST:], transform[:, : LOWEST + 1]], axis=1)[:, :, : LOWEST + 1]


def _with_spectrum(part: Scaled, amplitudes: NDArray[np.float32]) -> Scaled:
    """Give a patch (3, PATCH, PATCH) the amplitudes of another style, with its own phases."""
    transform = np.fft.rfft2(part)
    changed = amplitudes * PATCH**2 * np.exp(1j * np.angle(_low(transform)))
    transform[:, -LOWEST:, : LOWEST + 1] = changed[:, :LOWEST]
    transform[:, : LOWEST + 1, : LOWEST + 1] = changed[:, LOWEST:]
    result: Scaled = np.fft.irfft2(transform, s=part.shape[1:]).astype(np.float32)
    return result
