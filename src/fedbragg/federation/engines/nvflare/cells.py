"""The one border to NVIDIA FLARE's cells: bytes in, bytes out, and who sent them.

A cell is a node of FLARE's network; a site's cell holds one connection to the server's, opened by the site, with
TLS on which both ends show certificates. The server proves and checks each site's name by its certificate when it
registers, and every later message bears a token signed for that name; FLARE refuses others before they come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.utils import make_reply
from nvflare.fuel.f3.message import Message
from nvflare.private.defs import CellMessageHeaderKeys

from fedbragg.federation.engines.remote.client import NoAnswerError

CHANNEL, NOTICES, SERVER = "fedbragg", "fedbragg_notice", "server"


def answer_sites(cell: Any, answer: Callable[[str, str, memoryview], bytes]) -> None:
    """Have ``answer(site, topic, payload)`` answer what sites ask; the site's name is the authenticated one."""

    def called(message: Message) -> Message:
        site = message.get_header(CellMessageHeaderKeys.CLIENT_NAME)
        topic = message.get_header(MessageHeaderKey.TOPIC)
        return make_reply(
            ReturnCode.OK, "", answer(str(site), str(topic), memoryview(message.payload or b""))
        )

    cell.register_request_cb(channel=CHANNEL, topic="*", cb=called)


def send_notice(cell: Any, site: str) -> None:
    """Tell a site to call in; it does not matter whether it arrives."""
    cell.fire_and_forget(channel=NOTICES, topic="call", targets=site, message=Message({}, b""), optional=True)


def hear_notices(cell: Any, wake: Callable[[], None]) -> None:
    """Have ``wake`` called on a notice from the server."""

    def called(_: Message) -> None:
        wake()

    cell.register_request_cb(channel=NOTICES, topic="*", cb=called)


class CellLink:
    """A site's way to the server."""

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
        """Return the server's answer, or raise NoAnswerError after ``patience`` seconds without progress."""
        reply = self._cell.send_request(
            channel=CHANNEL,
            target=SERVER,
            topic=topic,
            request=Message({}, payload),
            timeout=patience,
            optional=True,
        )
        code = reply.get_header(MessageHeaderKey.RETURN_CODE)
        if code != ReturnCode.OK:
            raise NoAnswerError(f"{topic}: {code}")
        return memoryview(reply.payload or b"")
