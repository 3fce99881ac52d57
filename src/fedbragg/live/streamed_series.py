"""The frames of one series, decoded with the mask and the saturation that its start named, and the latest series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fedbragg.errors import FrameError
from fedbragg.images.counts import as_counts
from fedbragg.images.header import Header
from fedbragg.images.mask import KnownMask, Mask, MaskCache
from fedbragg.live.message import MessageError
from fedbragg.live.packed_image import PackedImage
from fedbragg.live.pixels import Decoding, unpacked
from fedbragg.types import Frame, Panels

SERIES_KEPT = 4
"""Series whose start is remembered: a detector ends one before it starts the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The facts about a series before its first frame; all empty where the start was not seen."""

    channels: tuple[str, ...] = ()  # the thresholds, in the detector's order
    header: Header = field(default_factory=Header)
    masks: Mapping[str, Mask] = field(default_factory=dict)  # of each channel, True = ignore
    announced: int | None = None  # images
    notes: tuple[str, ...] = ()  # unusable fields, a line each
    panels: Panels = ()  # of a frame that has several


Find = Callable[[], tuple[str, PackedImage]]
"""Finds the channel to be scored and its image in a message, or raises MessageError."""


class StreamedSeries:
    """Decodes the frames of a series; several threads may call ``frame`` at once."""

    def __init__(self, name: str, start: Start, decoding: Decoding) -> None:
        self.name, self.start = name, start
        self._masks, self._decoding = MaskCache(), decoding
        self._file_masks = {key: self._masks.shared_file_mask(mask) for key, mask in start.masks.items()}

    def frame(self, number: int, find: Find) -> Frame:
        """Decode an image; raise FrameError with the reason if it cannot be decoded."""
        try:
            channel, image = find()
            file_mask = self._file_mask(channel, image)
            first = self._first_mask(image, file_mask)
            found = unpacked(image, self._decoding, first)
        except MessageError as error:
            raise self._error(number, error) from None
        counts = as_counts(found.counts, self.name, number)
        if first is not None and found.as_known:
            mask = first.mask
        else:
            mask = self._masks.mask_of(counts, file_mask, self.start.header.trusted)
        centre = self.start.header.geometry.beam_centre
        frame = Frame(counts, mask, self.name, number, f"//{number}", self.start.panels, centre)
        # The reduction of the rows ignores panels, whose edges a block must not cross.
        return frame if self.start.panels else replace(frame, reduced=found.reduced)

    def packed(self, number: int, find: Find) -> PackedImage:
        """Return an image still packed; raise FrameError where there is none."""
        try:
            return find()[1]
        except MessageError as error:
            raise self._error(number, error) from None

    def _error(self, number: int, error: MessageError) -> FrameError:
        return FrameError(self.name, number, str(error), f"//{number}")

    def _file_mask(self, channel: str, image: PackedImage) -> Mask | None:
        mask = self._file_masks.get(channel)
        return mask if mask is not None and mask.shape == image.shape else None

    def _first_mask(self, image: PackedImage, file_mask: Mask | None) -> KnownMask | None:
        if image.dtype.kind == "f":  # the decoder compares integers
            return None
        return self._masks.first(image.shape, image.dtype, file_mask, self.start.header.trusted)


class LatestSeries:
    """The series that were seen last, by name."""

    def __init__(self, decoding: Decoding) -> None:
        """Decode frames of all of them as ``decoding`` says."""
        self._decoding = decoding
        self._series: dict[str, StreamedSeries] = {}

    def begin(self, name: str, start: Start) -> StreamedSeries:
        """Return a new series with the facts of its start; the oldest is forgotten."""
        self._series.pop(name, None)
        self._series[name] = StreamedSeries(name, start, self._decoding)
        while len(self._series) > SERIES_KEPT:
            del self._series[next(iter(self._series))]
        return self._series[name]

    def of(self, name: str) -> StreamedSeries:
        """Return a series; without its start, if another client got that or it came too early."""
        return self._series.get(name) or self.begin(name, Start())
