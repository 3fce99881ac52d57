"""Turn counts and mask into a View, in training and in screening alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, FrameError
from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.background import local_background
from fedbragg.tasks.hits.prepare.channels import CHANNELS, channels_of
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
from fedbragg.tasks.hits.prepare.peaks import cells_above, find_peaks
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


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The peak of every block, before a model decides which are spots."""

    significance: NDArray[np.float32]  # (cell rows, cell cols) standard deviations; 0 = none
    intensity: NDArray[np.float32]  # (cell rows, cell cols) counts above the background
    places: NDArray[np.int32]  # (2, cell rows, cell cols) row and column in pixels; -1 = none


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
    mask, blocks = read_only(mask), _blocks_of(frame, masked) or block_sums(counts, masked)
    photons = photon_scale(blocks)
    background = _background(blocks, layout)
    scale = (photons.scale, photons.shift)
    measures, places = find_peaks(counts, masked, background, blocks, scale)
    cells = cells_above(measures[0], settings.least)
    shapes = profiles_of(counts, mask, _listed(places, cells), scale)
    if layout is not None:
        places = in_the_file(places, layout)
    if settings.context:
        significance = measures[0][cells[:, 0], cells[:, 1]]
        around = _context(frame, (blocks, photons), _listed(places, cells), significance)
        shapes = np.concatenate([shapes, around], axis=1)
    level = background * np.float32(photons.scale)
    level += np.float32(photons.shift)
    np.maximum(level, 0, out=level)
    view = View(channels_of(measures, masked), level, cells, shapes, block)
    return view, Peaks(significance=measures[0], intensity=measures[3], places=places)


def _blocks_of(frame: Frame, masked: MaskBlocks) -> Blocks | None:
    """Return the blocks of a frame that was reduced while it was decoded."""
    made = frame.reduced
    return made.blocks if isinstance(made, DecodedBlocks) and made.are_of(frame, masked) else None


def _listed(places: NDArray[np.int32], cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return row and column (peaks, 2) of the peaks in these cells."""
    return places[:, cells[:, 0], cells[:, 1]].T.astype(np.int64)


def _context(
    frame: Frame,
    light: tuple[Blocks, PhotonScale],
    places: NDArray[np.int64],
    significance: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the context (peaks, 7) of peaks at row and column (peaks, 2) of the frame."""
    if frame.placed:
        return context_of(light[0], about_the_beam(places, frame.placed), significance, BEAM)
    centre = None
    if not frame.panels and bool((significance >= COUNTED).any()):
        # Only clear peaks are compared with rings: without any, the look at all blocks for a centre is saved.
        centre = centre_of(frame.beam_centre, *light)
    return context_of(light[0], places, significance, centre)


def _background(blocks: Blocks, layout: Layout | None) -> NDArray[np.float32]:
    fewest = blocks.size**2 / 4
    if layout is not None:
        return background_of_panels(blocks, fewest, layout)
    return local_background(blocks.valid, blocks.total, fewest)


SPOT = 0.5
"""Probability from which a peak is taken for a spot."""


def spot_places(peaks: Peaks, probability: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return row and column (2, spots) of the peaks that a model takes for spots, by its spot map."""
    rows, cols = np.nonzero(probability >= SPOT)
    places = peaks.places[:, rows, cols]
    return places[:, places[0] >= 0]


def spots(peaks: Peaks, probability: NDArray[np.float32]) -> list[Spot]:
    """Return the peaks that a model takes for spots, the most significant first.

    ``probability`` (cell rows, cell cols) is the model's spot map.
    """
    listed = [
        Spot(
            column=float(peaks.places[1, row, col]),
            row=float(peaks.places[0, row, col]),
            intensity=float(peaks.intensity[row, col]),
            significance=float(peaks.significance[row, col]),
        )
        for row, col in np.argwhere(_taken(peaks, probability))
    ]
    return sorted(listed, key=lambda spot: -spot.significance)


def _taken(peaks: Peaks, probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    taken: NDArray[np.bool_] = (probability >= SPOT) & (peaks.places[0] >= 0)
    return taken
