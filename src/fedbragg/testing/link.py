"""A link in memory: a site's client and the server's service in one process, with no network between them."""

from __future__ import annotations

from fedbragg.errors import NoAnswerError
from fedbragg.federation.engines.remote.service import FederationService


class DirectLink:
    """Hand a site's messages to a service, and the answers back, as bytes; it can be cut.

    It satisfies the protocol fedbragg.federation.engines.remote.connection.Link::

        service = FederationService(folder, notify, start_model_command)
        client = SiteClient("north", site_config, site_folder, print, worker_command)
        threading.Thread(target=client.run, args=(DirectLink(service, "north"),)).start()
    """

    def __init__(self, service: FederationService, site: str) -> None:
        """Connect ``site``, whose name the service takes as authenticated."""
        self._service, self._site = service, site
        self.topics: list[str] = []  # of all messages asked, also those that a cut link lost
        self.is_cut = False

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        """Return the service's answer at once, or raise NoAnswerError while the link is cut."""
        self.topics.append(topic)
        if self.is_cut:
            raise NoAnswerError(f"{topic}: the link is cut")
        return memoryview(self._service.ask(self._site, topic, bytes(payload)))
