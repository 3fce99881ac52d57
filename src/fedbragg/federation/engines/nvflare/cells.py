"""Send and answer bytes over NVIDIA FLARE's cells; each message comes with its authenticated sender.

A cell is a node of FLARE's network. A site's cell holds one connection to the server's cell, opened by the site, over
TLS with certificates on both ends. The server checks each site's name against its certificate when the site registers,
and every later message carries a token signed for that name. FLARE refuses all others before they reach this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.utils import make_reply
from nvflare.fuel.f3.message import Message
from nvflare.private.defs import CellMessageHeaderKeys

from fedbragg.errors import NoAnswerError

CHANNEL, NOTICES, SERVER = "fedbragg", "fedbragg_notice", "server"


def answer_sites(cell: Any, answer: Callable[[str, str, memoryview], bytes]) -> None:
    """Register ``answer(site, topic, payload)`` for sites' messages; the site's name is the authenticated one."""

    def on_message(message: Message) -> Message:
        site = message.get_header(CellMessageHeaderKeys.CLIENT_NAME)
        topic = message.get_header(MessageHeaderKey.TOPIC)
        return make_reply(
            ReturnCode.OK, "", answer(str(site), str(topic), memoryview(message.payload or b""))
        )

    cell.register_request_cb(channel=CHANNEL, topic="*", cb=on_message)


def send_notice(cell: Any, site: str) -> None:
    """Ask a site to poll at once; the notice may get lost."""
    cell.fire_and_forget(channel=NOTICES, topic="poll", targets=site, message=Message({}, b""), optional=True)


def on_notice(cell: Any, wake: Callable[[], None]) -> None:
    """Call ``wake`` on each notice from the server."""

    def on_message(_: Message) -> None:
        wake()

    cell.register_request_cb(channel=NOTICES, topic="*", cb=on_message)


class CellLink:
    """The link from a site to the server."""

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        """Return the server's answer, or raise NoAnswerError after ``timeout`` seconds without progress."""
        reply = self._cell.send_request(
            channel=CHANNEL,
            target=SERVER,
            topic=topic,
            request=Message({}, payload),
            timeout=timeout,
            optional=True,
        )
        code = reply.get_header(MessageHeaderKey.RETURN_CODE)
        if code != ReturnCode.OK:
            raise NoAnswerError(f"{topic}: {code}")
        return memoryview(reply.payload or b"")
