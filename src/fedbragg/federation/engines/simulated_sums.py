"""The sites' part in masked sums where all sites are in this process: keys are drawn here, and nothing is secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.extras import require
from fedbragg.federation.events import SendSumMessage, SumAnswered
from fedbragg.federation.plan import Plan
from fedbragg.federation.secure.encoding import nbytes
from fedbragg.federation.secure.identity import Credentials, generated_credentials
from fedbragg.federation.secure.messages import Refusal, ServerMessage, SiteMessage
from fedbragg.federation.secure.signed_lists import ListsInMemory
from fedbragg.federation.secure.site import SiteSum
from fedbragg.federation.secure.terms import Terms
from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True, eq=False)
class OfferedUpdate:
    """A trained update that stays at its site, and the part of the site in its sum."""

    site: str
    version: int
    samples: int
    part: SiteSum


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredMessage:
    """A site's answer to a message of a sum, and the bytes of both."""

    answer: SumAnswered
    received: int  # bytes of the server's message
    sent: int  # bytes of the answer


class SimulatedSums:
    """All sites of a federation in this process."""

    def __init__(self, plan: Plan, sites: Sequence[str]) -> None:
        """Draw a signing key for each site; raise MissingExtraError without the package that does it."""
        require("secure", "secure aggregation")
        self._plan, self._sites = plan, len(sites)
        self._credentials: dict[str, Credentials] = generated_credentials(sites)
        self._lists = {site: ListsInMemory() for site in sites}
        self._parts: dict[str, SiteSum] = {}

    def offered(self, update: Update, model: State) -> OfferedUpdate:
        """Return the offer of a site that has trained from ``model``; any thread may call this."""
        terms = Terms.of(self._plan, self._sites, model)
        part = SiteSum(update, terms, self._credentials[update.site], self._lists[update.site])
        return OfferedUpdate(update.site, update.version, update.samples, part)

    def keep(self, offer: OfferedUpdate) -> None:
        """Have a site answer with this offer from now on."""
        self._parts[offer.site] = offer.part

    def answered(self, command: SendSumMessage) -> AnsweredMessage:
        """Return the answer of a site to a message."""
        answer = self._answer(command.site, command.message)
        return AnsweredMessage(
            SumAnswered(command.site, command.number, answer), nbytes(command.message), nbytes(answer)
        )

    def _answer(self, site: str, message: ServerMessage) -> SiteMessage:
        part = self._parts.get(site)
        return part.answer(message) if part else Refusal("it has offered no update")
