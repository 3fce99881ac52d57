"""DirectLink: the link between a site and a service that run in one process."""

from __future__ import annotations

import pytest

from fedbragg.errors import NoAnswerError
from fedbragg.federation.engines.remote.connection import Link
from fedbragg.testing import DirectLink


class Service:
    """A service that answers with what it was asked."""

    def ask(self, site: str, topic: str, payload: bytes) -> bytes:
        return b"|".join([site.encode(), topic.encode(), payload])


def test_it_asks_in_the_sites_name_and_returns_the_answer_as_bytes() -> None:
    link: Link = DirectLink(Service(), "north")
    assert bytes(link.ask("poll", b"payload", timeout=1.0)) == b"north|poll|payload"


def test_a_cut_link_loses_the_message_and_raises_as_a_network_does() -> None:
    link = DirectLink(Service(), "north")
    link.is_cut = True
    with pytest.raises(NoAnswerError, match="the link is cut"):
        link.ask("poll", b"", timeout=1.0)
    link.is_cut = False
    link.ask("model", b"", timeout=1.0)
    assert link.topics == ["poll", "model"]
