"""Turn counts and mask into a View, in training and in screening alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, FrameError
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.background import in_photons, local_background
from fedbragg.tasks.hits.prepare.channels import CHANNELS
from fedbragg.tasks.hits.prepare.context import BEAM, CONTEXT, COUNTED, centre_of, context_of
from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
from fedbragg.tasks.hits.prepare.mask_blocks import MaskBlocks, blocks_of_mask
from fedbragg.tasks.hits.prepare.noise import PhotonScale, photon_scale
from fedbragg.tasks.hits.prepare.panels import (
    Layout,
    about_the_beam,
    background_of_panels,
    in_the_file,
    lay_out,
    spread,
)
from fedbragg.tasks.hits.prepare.peaks import Peaks, find_peaks
from fedbragg.tasks.hits.prepare.pixels import Blocks, block_sums
from fedbragg.tasks.hits.prepare.profile import PROFILE, profiles_of
from fedbragg.types import Frame, Spot, View


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """How a frame becomes a View; stored in the model file."""

    block: int = 8  # pixels along a cell's edge: about twice a spot's width
    least: float = 4.0  # standard deviations from which a peak is described; an empty 6M frame has dozens
    context: bool = (
        True  # whether a peak's numbers say what the rest of the frame is like; older models know none
    )

    def as_metadata(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        names = {"channels": list(CHANNELS), "profile": list(PROFILE)}
        return {"kind": "peaks", **names, **asdict(self), "context": list(CONTEXT) if self.context else []}

    @staticmethod
    def from_metadata(values: dict[str, Any]) -> PrepareSettings:
        """Read settings back; raise ConfigError if this version of fedbragg prepares frames differently."""
        names = tuple(tuple(values.get(key, ())) for key in ("channels", "profile"))
        context = tuple(values.get("context", ()))
        if values.get("kind") != "peaks" or names != (CHANNELS, PROFILE) or context not in ((), CONTEXT):
            raise ConfigError(
                "the model was trained on another kind of input; train it again with this version"
            )
        return PrepareSettings(int(values["block"]), float(values["least"]), bool(context))


DEFAULT_SETTINGS = PrepareSettings()


def prepare(frame: Frame, settings: PrepareSettings = DEFAULT_SETTINGS) -> View:
    """Turn a frame into a View of (4, rows // block, cols // block).

    Raises FrameError for a frame smaller than three blocks, in which background and spots cannot be separated.
    """
    return prepare_with_peaks(frame, settings)[0]


def prepare_with_peaks(
    frame: Frame,
    settings: PrepareSettings,
    masks: Callable[[NDArray[np.bool_], int], MaskBlocks] = blocks_of_mask,
) -> tuple[View, Peaks]:
    """Turn a frame into a View; return it with the peaks that it describes.

    ``masks`` returns the blocks of a mask; for many frames give `mask_block_cache()`, which looks at each mask once.
    """
    block, counts, mask = settings.block, read_only(frame.counts), frame.mask
    if min(counts.shape) < 3 * block:
        reason = f"{counts.shape[0]} x {counts.shape[1]} pixels are fewer than {3 * block} x {3 * block}"
        raise FrameError(frame.path, frame.index, f"{reason}, too small to score.")
    layout = lay_out(frame.panels, block) if frame.panels else None
    if layout is not None:
        counts, mask = map(read_only, spread(counts, mask, layout))
    masked = masks(mask, block)
    blocks = _blocks_of(frame, masked) or block_sums(counts, masked)
    photons = photon_scale(blocks)
    background = _background(blocks, layout)
    scale = (photons.scale, photons.shift)
    channels, peaks = find_peaks(counts, masked, background, blocks, scale, settings.least)
    shapes = profiles_of(counts, masked, peaks.places, scale)
    if layout is not None:
        peaks = replace(peaks, places=in_the_file(peaks.places, layout))
    if settings.context:
        around = _context(frame, (blocks, photons), peaks)
        shapes = np.concatenate([shapes, around], axis=1)
    level = in_photons(background, np.float32(photons.scale), np.float32(photons.shift))
    return View(channels, level, peaks.cells, shapes, block), peaks


def _blocks_of(frame: Frame, masked: MaskBlocks) -> Blocks | None:
    """Return the blocks of a frame that was reduced while it was decoded."""
    made = frame.reduced
    if (
        not isinstance(made, DecodedBlocks)
        or masked.mask is not made.mask
        or masked.block != made.blocks.size
    ):
        return None
    return made.blocks if made.are_of(frame) else None


def _context(frame: Frame, light: tuple[Blocks, PhotonScale], peaks: Peaks) -> NDArray[np.float32]:
    """Return the context (peaks, 7) of peaks whose places are rows and columns of the frame."""
    if frame.placed:
        return context_of(light[0], about_the_beam(peaks.places, frame.placed), peaks.significance, BEAM)
    centre = None
    if not frame.panels and bool((peaks.significance >= COUNTED).any()):
        # Only clear peaks are compared with rings: without any, the look at all blocks for a centre is saved.
        centre = centre_of(frame.beam_centre, *light)
    return context_of(light[0], peaks.places, peaks.significance, centre)


def _background(blocks: Blocks, layout: Layout | None) -> NDArray[np.float32]:
    fewest = blocks.size**2 / 4
    if layout is not None:
        return background_of_panels(blocks, fewest, layout)
    return local_background(blocks.valid, blocks.total, fewest)


SPOT = 0.5
"""Probability from which a peak is taken for a spot."""


def spot_places(peaks: Peaks, probability: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return row and column (2, spots) of the peaks that a model takes for spots.

    ``probability`` (cell rows, cell cols) is the model's spot map.
    """
    return peaks.places[_taken(peaks, probability)].T


def spots(peaks: Peaks, probability: NDArray[np.float32]) -> list[Spot]:
    """Return the peaks that a model takes for spots, by its spot map, the most significant first."""
    taken = _taken(peaks, probability)
    places, intensity, significance = peaks.places[taken], peaks.intensity[taken], peaks.significance[taken]
    listed = [
        Spot(column=float(column), row=float(row), intensity=float(counts), significance=float(sigma))
        for (row, column), counts, sigma in zip(places, intensity, significance, strict=True)
    ]
    return sorted(listed, key=lambda spot: -spot.significance)


def _taken(peaks: Peaks, probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which of the peaks (peaks,) are taken for spots."""
    taken: NDArray[np.bool_] = probability[peaks.cells[:, 0], peaks.cells[:, 1]] >= SPOT
    return taken
