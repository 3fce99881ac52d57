"""Messages of any sender -> events: the content shows which protocol a message follows; no sockets."""

from __future__ import annotations

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.packed_frame import Reduce
from fedbragg.live.lclstreamer import PREFIXES, LCLStreamerReader, is_lclstreamer
from fedbragg.live.message import MessageError, joined
from fedbragg.live.pixels import Decoding
from fedbragg.live.source import Damaged, Event
from fedbragg.live.stream1 import Stream1Reader, is_stream1
from fedbragg.live.stream2.cbor import fields_of
from fedbragg.live.stream2.reader import Stream2Reader


class StreamReader:
    """Gives each message's event; remembers what the starts of the latest series said."""

    def __init__(self, channel: str | None = None, spare: int = 4, reduce: Reduce | None = None) -> None:
        """Score the channel of this name, None: the first; reuse the memory of ``spare`` decoded frames.

        ``reduce`` works on a frame's rows while they are decoded; see ``Frame.reduced``.
        """
        decoding = Decoding(BufferPool(spare), reduce)
        self._stream2, self._stream1 = Stream2Reader(channel, decoding), Stream1Reader(decoding)
        self._lclstreamer = LCLStreamerReader(decoding)

    def event(self, *parts: bytes) -> Event:
        """Return the event of a message's parts; never raises, for any bytes."""
        try:
            return self._stream1.read(parts) if is_stream1(parts) else self._of_cbor(parts[0])
        except MessageError as error:
            return Damaged(str(error), joined(parts))

    def _of_cbor(self, message: bytes) -> Event:
        """Read the first part; a second one is a verdict, which another watch added."""
        fields = fields_of(message[1:] if message[:1] in PREFIXES else message)
        return (self._lclstreamer if is_lclstreamer(fields) else self._stream2).read(fields, message)
