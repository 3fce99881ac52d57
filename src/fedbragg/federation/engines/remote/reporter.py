"""Send the reports of a site's client: the end of a request, and its answers in a masked sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fedbragg.errors import SumRefused
from fedbragg.federation.engines.remote.client_state import Reporting
from fedbragg.federation.engines.remote.connection import ServerConnection, check_answer
from fedbragg.federation.engines.remote.masked_updates import MaskedUpdates
from fedbragg.federation.engines.remote.protocol import is_large
from fedbragg.federation.engines.remote.worker_messages import Failure
from fedbragg.federation.engines.remote.worker_process import WorkerProcess


class Reporter:
    """Encode and send the reports of one site; a report without an answer can be sent again."""

    def __init__(
        self,
        worker: WorkerProcess,
        masked: MaskedUpdates,
        announce: Callable[[ServerConnection], object],
        say: Callable[[str], None],
    ) -> None:
        """Send the updates of ``worker``, as they are or by ``masked``; ``announce`` precedes a large message.

        ``say`` prints a line at the site.
        """
        self._worker, self._masked, self._announce, self._say = worker, masked, announce, say

    def report(self, connection: ServerConnection, report: Reporting, delivered: Callable[[], None]) -> None:
        """Send how a request has ended: the update, the failure, or the refusal of its model.

        ``delivered`` is called once the server has the report, whether it accepts it or not.
        """
        topic, payload = self._encoded(report)
        answer = self._sent(connection, topic, payload)
        delivered()
        accepted = check_answer(topic, answer)["accepted"]
        if report.failure is None and topic == "update":
            self._say(f"update of {len(payload)} bytes sent" + ("" if accepted else "; no longer needed"))

    def answer(self, connection: ServerConnection, step: Mapping[str, Any]) -> None:
        """Answer the server's message about the sum of updates."""
        message = None if self._masked.is_answered(step) else connection.receive("sum", step)
        payload = self._masked.answer(step, message)
        accepted = check_answer("answer", self._sent(connection, "answer", payload))["accepted"]
        if is_large(payload) or not accepted:
            self._say(f"masked: {len(payload)} bytes sent" + ("" if accepted else "; no longer needed"))

    def _sent(self, connection: ServerConnection, topic: str, payload: bytes) -> Mapping[str, Any]:
        if is_large(payload):
            self._announce(connection)
        return connection.send(topic, payload)

    def _encoded(self, report: Reporting) -> tuple[str, bytes]:
        """Return a report's topic and message."""
        if report.failure is not None:
            return report.message()
        if not self._masked.needed:
            return "update", self._worker.update()
        model, update = self._worker.start_model, self._worker.update()
        try:
            return "trained", self._masked.offer(report.request, model, update)
        except SumRefused as refusal:
            self._say(f"the update is not offered: {refusal}")
            return replace(report, failure=Failure.of(str(refusal))).message()
