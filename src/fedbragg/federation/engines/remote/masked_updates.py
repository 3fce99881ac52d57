"""A real site's part in masked sums: its updates stay in its folder, and its answers to the server leave."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fedbragg.config import Federation
from fedbragg.errors import ConfigError, FederationError
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message
from fedbragg.federation.engines.remote.update_message import update_of
from fedbragg.federation.plan import Plan
from fedbragg.federation.secure.encoding import decoded, encoded
from fedbragg.federation.secure.identity import Credentials
from fedbragg.federation.secure.messages import ServerMessage
from fedbragg.federation.secure.requirements import check_sites
from fedbragg.federation.secure.site import SiteSum
from fedbragg.federation.secure.terms import Terms
from fedbragg.federation.tensors import read_tensors
from fedbragg.federation.wire import decode

SIGNED = "signed.jsonl"


@dataclass(frozen=True, slots=True)
class ListsInFile:
    """The lists of survivors that a site has signed, one JSON object a line; kept over a restart of its client."""

    path: Path

    def signed_for(self, model: str) -> tuple[str, ...] | None:
        """Return the list signed for a model, None where there is none."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        entries = [entry for entry in map(json.loads, lines) if entry["model"] == model]
        return tuple(entries[-1]["survivors"]) if entries else None

    def add(self, model: str, survivors: Sequence[str]) -> None:
        """Append a list; it is on the disk when this returns."""
        if self.signed_for(model) == tuple(survivors):
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"model": model, "survivors": list(survivors)}) + "\n")
            file.flush()
            os.fsync(file.fileno())


class MaskedUpdates:
    """Offer updates of one site, and answer the server's messages about their sum."""

    def __init__(self, credentials: Credentials | None, folder: Path) -> None:
        """Sign with ``credentials``; without them the site takes no part. Keep the signed lists in ``folder``."""
        self._credentials, self._lists = credentials, ListsInFile(folder / SIGNED)
        self._plan: Plan | None = None  # of a federation with secure aggregation
        self._sites = 0
        self._part: SiteSum | None = None
        self._request = ""
        self._answered: tuple[Mapping[str, Any], bytes] = ({}, b"")  # the last message, and its answer

    @property
    def needed(self) -> bool:
        """Return whether the federation sums updates under masks."""
        return self._plan is not None

    def enter(self, settings: Mapping[str, Any], sites: int) -> None:
        """Prepare for a federation of ``sites`` sites; raise FederationError where this site cannot take part."""
        self._plan, self._part, self._request, self._sites = None, None, "", sites
        if not settings.get("privacy", {}).get("secure"):
            return
        if self._credentials is None:
            raise FederationError("this site has no certificate to sign with")
        placeholder = [{"name": "this", "runs": ["-"], "labels": "-"}]
        try:
            plan = Plan.of(Federation.model_validate({**settings, "sites": placeholder}))
            check_sites(plan.settings, plan.privacy, sites)
        except ConfigError as error:
            raise FederationError(str(error)) from None
        self._plan = plan

    def offer(self, request: str, model: Path, update: bytes) -> bytes:
        """Return the message that offers the update of a request, trained from the model of a file.

        Offering it again returns the same message. Raise SumRefused where the update cannot be bounded.
        """
        if self._plan is None or self._credentials is None:
            raise FederationError("no federation with secure aggregation has been entered")
        if self._part is None or self._request != request:
            terms = Terms.of(self._plan, self._sites, read_tensors(model))
            trained = decode(update_of(decode_message(update))[1])
            self._part = SiteSum(trained, terms, self._credentials, self._lists)
            self._request, self._answered = request, ({}, b"")
        fields, _ = encoded(self._part.advert)
        return encode_message(Message({"request": request, "sum": fields}))

    def is_answered(self, step: Mapping[str, Any]) -> bool:
        """Return whether there is an answer to a step already, which can be sent again."""
        return self._answered[0] == step

    def answer(self, step: Mapping[str, Any], message: Message | None) -> bytes:
        """Return the answer to a step's ``message``, which is None where the step is answered already."""
        if message is not None and not self.is_answered(step):
            if self._part is None:
                raise FederationError("this site has offered no update")
            asked = cast(ServerMessage, decoded(message.fields["sum"], message.tensors))
            fields, arrays = encoded(self._part.answer(asked))
            self._answered = (step, encode_message(Message({**step, "sum": fields}, arrays)))
        return self._answered[1]
