"""The frames of one series, decoded with the channel, the mask and the saturation that its start named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedbragg.errors import FrameError
from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.counts import as_counts
from fedbragg.images.mask import KnownMask, Mask, MaskCache
from fedbragg.live.packed_image import PackedImage
from fedbragg.live.stream2.arrays import packed_image
from fedbragg.live.stream2.cbor import MessageError, shown
from fedbragg.live.stream2.pixels import unpacked
from fedbragg.live.stream2.start import Start
from fedbragg.types import Frame


class StreamedSeries:
    """Decodes the frames of a series; several threads may call ``frame`` at once."""

    def __init__(self, name: str, start: Start, channel: str | None, pool: BufferPool) -> None:
        """Take the channel of this name; None is the detector's first."""
        self.name, self.start = name, start
        self._channel = channel or next(iter(start.channels), None)
        self._masks, self._pool = MaskCache(), pool
        self._file_masks = {key: self._masks.shared_file_mask(mask) for key, mask in start.masks.items()}

    def frame(self, number: int, data: object) -> Frame:
        """Decode the ``data`` of an image message; raise FrameError saying what is wrong with them."""
        try:
            channel, value = self._chosen(data)
            image = packed_image(value)
            file_mask = self._file_mask(channel, image)
            pixels, mask = self._pixels(image, file_mask)
        except MessageError as error:
            raise self._error(number, error) from None
        counts = as_counts(pixels, self.name, number)
        if mask is None:
            mask = self._masks.mask_of(counts, file_mask, self.start.header.trusted)
        centre = self.start.header.geometry.beam_centre
        return Frame(counts, mask, self.name, number, f"//{number}", beam_centre=centre)

    def packed(self, number: int, data: object) -> PackedImage:
        """Return the image as it is in the ``data`` of an image message; raise FrameError where there is none."""
        try:
            return packed_image(self._chosen(data)[1])
        except MessageError as error:
            raise self._error(number, error) from None

    def _error(self, number: int, error: MessageError) -> FrameError:
        return FrameError(self.name, number, str(error), f"//{number}")

    def _chosen(self, data: object) -> tuple[str, Any]:
        """Return the name of the channel to be scored and its array."""
        if not isinstance(data, Mapping) or not data:
            raise MessageError("the image message holds no data.")
        channel = next(iter(data)) if self._channel is None else self._channel
        if channel not in data:
            names = ", ".join(shown(name) for name in data)
            raise MessageError(f"it has no threshold {shown(channel)}. Choose one of {names} by --threshold.")
        return channel, data[channel]

    def _file_mask(self, channel: str, image: PackedImage) -> Mask | None:
        mask = self._file_masks.get(channel)
        return mask if mask is not None and mask.shape == image.shape else None

    def _pixels(self, image: PackedImage, file_mask: Mask | None) -> tuple[Any, Mask | None]:
        """Return the pixels, and the first frame's mask where the decoder found that it holds."""
        first = self._first_mask(image, file_mask)
        pixels, same = unpacked(image, self._pool, first.untrusted if first else None)
        return pixels, first.mask if first and same else None

    def _first_mask(self, image: PackedImage, file_mask: Mask | None) -> KnownMask | None:
        if image.dtype.kind == "f":  # the decoder compares integers
            return None
        return self._masks.first(image.shape, image.dtype, file_mask, self.start.header.trusted)
