"""Send a run, or a recorded folder, as a Stream2 detector does, or a run as an EPICS channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedbragg.errors import ConfigError, RunError
from fedbragg.types import Frame, Run, Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedbragg.images.header import Header
    from fedbragg.images.mask import Mask, MaskCache
    from fedbragg.live.packed_image import PackedImage
    from fedbragg.live.stream2.encoding import SeriesDescription

PVACCESS = "pva://"


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """The images to send, the address and the rate."""

    paths: list[str]  # image files, or the folder of a recording
    address: str
    rate: float = 0.0  # images a second; 0 is as fast as they are taken
    compression: str = "bslz4"
    bind: bool = True  # as a detector; otherwise connect
    series: str = ""  # unique id; empty: made from the time


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay."""

    messages: int
    seconds: float
    left_out: int  # frames that could not be read
    stopped: bool  # before all was sent


@dataclass(slots=True)
class _Sent:
    """The messages sent so far."""

    messages: int = 0
    left_out: int = 0


def replay(request: ReplayRequest, stopped: Callable[[], bool], step: Callable[[], object]) -> Replayed:
    """Send all messages, each as soon as a receiver has room; ``step`` is called after each.

    Raises RunError where there is nothing to send, ConfigError for an address that cannot be used.
    """
    from fedbragg.live.connection import require_live
    from fedbragg.live.push import Push

    require_live("sending a run")
    sent = _Sent()
    if request.address.startswith(PVACCESS):
        return _replay_to_channel(request, _Pace(request.rate, stopped, step, sent))
    messages = _messages(request, sent)
    first = next(messages)  # an error appears before anything is sent
    push = Push(request.address, bind=request.bind)
    began = time.monotonic()
    whole = False
    try:
        whole = _send_all(push.send, first, messages, _Pace(request.rate, stopped, step, sent))
    finally:
        push.close() if whole else push.close(linger=0)
    return Replayed(sent.messages, time.monotonic() - began, sent.left_out, not whole)


def _replay_to_channel(request: ReplayRequest, pace: _Pace) -> Replayed:
    """Serve a channel and post all frames to it once a client has connected."""
    from fedbragg.live.pvaccess.served import image_channel

    if not request.bind:
        raise ConfigError(f"--connect: clients connect to {request.address}. Leave it out.")
    _, frames = _frames(request, pace.sent)
    began = time.monotonic()
    with image_channel(request.address.removeprefix(PVACCESS)) as channel:
        whole = channel.wait(pace.stopped)
        for number, pixels in frames if whole else ():
            pace.wait()
            if pace.stopped():
                whole = False
                break
            channel.post(_packed(pixels, request.compression), number)
            pace.sent.messages += 1
            pace.step()
    return Replayed(pace.sent.messages, time.monotonic() - began, pace.sent.left_out, not whole)


def _packed(pixels: NDArray[Any], compression: str) -> PackedImage:
    """Return pixels as a detector packs them; without compression where LZ4 does not shorten them."""
    from fedbragg.live.packed_image import BITSHUFFLE_LZ4, LZ4, NO_COMPRESSION, PackedImage
    from fedbragg.live.stream2.encoding import hdf5_chunk

    shape = (pixels.shape[0], pixels.shape[1])
    plain = PackedImage(shape, pixels.dtype, NO_COMPRESSION, 0, pixels.tobytes())
    if compression == NO_COMPRESSION:
        return plain
    chunk = hdf5_chunk(compression, pixels)
    if compression == LZ4 and len(chunk) >= plain.size:
        return plain
    element = pixels.itemsize if compression == BITSHUFFLE_LZ4 else 0
    return PackedImage(shape, pixels.dtype, compression, element, chunk)


@dataclass(slots=True)
class _Pace:
    """The rate at which messages are sent, and the progress shown."""

    rate: float  # a second; 0 is no limit
    stopped: Callable[[], bool]
    step: Callable[[], object]
    sent: _Sent
    due: float = 0.0  # when the next may be sent

    def wait(self) -> None:
        """Wait until the next message may be sent."""
        if not self.rate:
            return
        now = time.monotonic()
        self.due = max(self.due + 1 / self.rate, now - 1)  # catches up on at most a second of delay
        time.sleep(max(0.0, self.due - now))


def _send_all(
    send: Callable[[list[bytes], Callable[[], bool]], bool], first: bytes, rest: Iterator[bytes], pace: _Pace
) -> bool:
    """Send messages one by one; return False where it was stopped before the last."""
    from fedbragg.live.message import parts_of

    message: bytes | None = first
    while message is not None:
        pace.wait()
        if pace.stopped() or not send(parts_of(message), pace.stopped):
            return False
        pace.sent.messages += 1
        pace.step()
        message = next(rest, None)
    return True


def _messages(request: ReplayRequest, sent: _Sent) -> Iterator[bytes]:
    if (
        len(request.paths) == 1
        and Path(request.paths[0]).is_dir()
        and any(Path(request.paths[0]).glob("*.cbor"))
    ):
        from fedbragg.live.recording import recorded_messages

        for path in recorded_messages(Path(request.paths[0])):
            yield path.read_bytes()
        return
    yield from _run_messages(request, sent)


def _run_messages(request: ReplayRequest, sent: _Sent) -> Iterator[bytes]:
    """Yield the messages of a run of image files; frames that cannot be read leave a gap."""
    from fedbragg.live.stream2.encoding import array, end_message, image_message, packer, start_message

    described, frames = _frames(request, sent)
    pack = packer(request.compression)
    yield start_message(described)
    for number, pixels in frames:
        yield image_message(described, number, array(pixels, pack))
    yield end_message(described)


def _frames(
    request: ReplayRequest, sent: _Sent
) -> tuple[SeriesDescription, Iterator[tuple[int, NDArray[Any]]]]:
    """Return a run's description, and its frames by number; unreadable ones are counted and left out."""
    from fedbragg.images import open_run
    from fedbragg.images.mask import MaskCache
    from fedbragg.images.paths import expand
    from fedbragg.live.stream2.encoding import COMPRESSIONS

    if request.compression not in COMPRESSIONS:
        raise ConfigError(f"--compression {request.compression}: unknown. Choose {', '.join(COMPRESSIONS)}.")
    files = expand(request.paths)
    run = open_run(files)
    described = _description(run, files[0], request)
    masks = MaskCache()
    file_mask = masks.shared_file_mask(described.mask)

    def frames() -> Iterator[tuple[int, NDArray[Any]]]:
        for number, frame in enumerate(run.frames()):
            if isinstance(frame, Unreadable):
                sent.left_out += 1
            else:
                yield number, _with_sentinels(frame, file_mask, masks, described.saturation)

    return described, frames()


def _description(run: Run, path: str, request: ReplayRequest) -> SeriesDescription:
    from fedbragg.live.stream2.encoding import SeriesDescription

    first = next((frame for frame in run.frames() if isinstance(frame, Frame)), None)
    if first is None:
        raise RunError(f"{path}: no frame can be read. Nothing to send.")
    header, mask = _header_and_mask(path)
    fits = mask is not None and mask.shape == first.counts.shape
    number = int(time.time())
    return SeriesDescription(
        request.series or f"{Path(path).stem}-{number}",
        number,
        (first.counts.shape[0], first.counts.shape[1]),
        len(run),
        run.geometry,
        mask if fits else None,
        header.trusted.high,
    )


def _header_and_mask(path: str) -> tuple[Header, Mask | None]:
    """Return the highest trusted count and the mask from the first file; some formats give neither."""
    from contextlib import closing

    from fedbragg.images.hdf5.source import HDF5Source
    from fedbragg.images.header import Header
    from fedbragg.images.registry import open_source
    from fedbragg.images.source import RunCache

    with closing(open_source(path, RunCache())) as source:
        if isinstance(source, HDF5Source):
            return source.header, source.pixel_mask
    return Header(), None


def _with_sentinels(
    frame: Frame, file_mask: Mask | None, masks: MaskCache, saturation: float | None
) -> NDArray[Any]:
    """Return a frame's counts, the pixels that no mask and no count shows as masked marked as a detector marks them."""
    import numpy as np

    from fedbragg.images.mask import TrustedRange

    fits = file_mask is not None and file_mask.shape == frame.counts.shape
    known = masks.mask_of(frame.counts, file_mask if fits else None, TrustedRange(high=saturation))
    hidden = frame.mask & ~known
    if not hidden.any():
        return frame.counts
    counts = frame.counts.copy()
    counts[hidden] = np.nan if counts.dtype.kind == "f" else np.iinfo(counts.dtype).max
    return counts
