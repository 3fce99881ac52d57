"""The server's part in one masked sum: a state machine without I/O, the sites' messages in, messages to sites out.

A site that is dropped before its vector has arrived is left out of the sum, one that is dropped later stays in it. Each
step follows when every site has answered or been dropped. The result is a weighted mean, or a refusal with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from fedbragg.errors import SumRefused
from fedbragg.federation.secure import masks, messages, shamir
from fedbragg.federation.secure.fixed_point import Vector, WeightedMean, decode
from fedbragg.federation.secure.terms import Terms

Outgoing = dict[str, messages.ServerMessage]
"""The next message to each site."""
STEPS = (messages.SealedShares, messages.MaskedVector, messages.SignedList, messages.OpenedShares)


class ServerSum:
    """One sum, from the sites' keys to the mean."""

    def __init__(self, terms: Terms, adverts: Sequence[messages.Advert]) -> None:
        """Sum the updates of the sites that have sent ``adverts``."""
        self._terms = terms
        self._adverts = {advert.site: advert for advert in sorted(adverts, key=lambda advert: advert.site)}
        self._keys = messages.keys_digest(self._adverts.values())
        self._step = -1  # position in STEPS, -1 before the start
        self._total = Vector.zero(terms.layout)
        self._shares: dict[str, messages.SealedShares] = {}
        self._senders: tuple[str, ...] = ()
        self._arrived: set[str] = set()  # whose vectors are in the total
        self._list: messages.Survivors | None = None
        self._signatures: dict[str, bytes] = {}
        self._opened: dict[str, messages.OpenedShares] = {}
        self.awaited: set[str] = set(self._adverts)
        self.refusals: dict[str, str] = {}  # by site
        self.outcome: WeightedMean | SumRefused | None = None

    @property
    def survivors(self) -> tuple[str, ...]:
        """Return the sites in the sum, once they are known."""
        return self._list.survivors if self._list else ()

    def start(self) -> Outgoing:
        """Return the first messages."""
        return self._go_on()

    def take(self, site: str, message: messages.SiteMessage) -> Outgoing:
        """Take a site's answer and return the messages that follow."""
        if self.outcome is not None or site not in self.awaited:
            return {}
        if isinstance(message, messages.Refusal):
            self.refusals[site] = message.reason
        elif not isinstance(message, STEPS[self._step]) or not self._fits(site, message):
            self.refusals[site] = "its message is not that of this step"
        else:
            self._store(site, message)
        self.awaited.discard(site)
        return self._go_on_if_complete()

    def drop(self, sites: Sequence[str]) -> Outgoing:
        """Continue without sites that are gone or late; their messages so far stay."""
        if self.outcome is not None or not self.awaited.intersection(sites):
            return {}
        self.awaited.difference_update(sites)
        return self._go_on_if_complete()

    def _fits(self, site: str, message: messages.SiteMessage) -> bool:
        match message:
            case messages.SealedShares(sealed, _):
                return sealed.keys() == self._adverts.keys() - {site}
            case messages.MaskedVector(vector):
                layout = self._terms.layout
                return (vector.numbers.shape, vector.counts.shape) == ((layout.numbers,), (layout.counts,))
            case messages.OpenedShares(seeds, mask_keys):
                survivors = set(self.survivors)
                return seeds.keys() == survivors and mask_keys.keys() == set(self._senders) - survivors
        return True

    def _store(self, site: str, message: messages.SiteMessage) -> None:
        match message:
            case messages.SealedShares():
                self._shares[site] = message
            case messages.MaskedVector(vector):
                self._total.add(vector)
                self._arrived.add(site)
            case messages.SignedList(signature):
                self._signatures[site] = signature
            case messages.OpenedShares():
                self._opened[site] = message

    def _go_on_if_complete(self) -> Outgoing:
        return {} if self.awaited else self._go_on()

    def _go_on(self) -> Outgoing:
        """Begin the next step with the sites that have answered the last one."""
        self._step += 1
        try:
            out = self._messages()
        except SumRefused as refusal:
            self.outcome = refusal
            return {}
        self.awaited = set(out)
        return out

    def _messages(self) -> Outgoing:
        """Return the messages of the step that begins; at the end there are none."""
        sites = len(self._adverts)
        match self._step:
            case 0:
                self._require(sites, self._terms.fewest(sites), "have trained")
                keys = messages.Keys(tuple(self._adverts.values()))
                return dict.fromkeys(self._adverts, keys)
            case 1:
                self._senders = tuple(sorted(self._shares))
                self._require(len(self._senders), self._terms.fewest(sites), "sent shares")
                return {site: self._shares_for(site) for site in self._senders}
            case 2:
                self._list = messages.Survivors(self._senders, tuple(sorted(self._arrived)))
                self._require(len(self._arrived), self._terms.fewest(sites), "sent their vectors")
                return dict.fromkeys(self._list.survivors, self._list)
            case 3:
                self._require(
                    len(self._signatures), self._terms.needed(sites), "signed the list of survivors"
                )
                signatures = messages.Signatures(dict(self._signatures))
                return dict.fromkeys(self._signatures, signatures)
        self._require(len(self._opened), self._terms.needed(sites), "opened their shares")
        self.outcome = self._mean()
        return {}

    def _require(self, count: int, fewest: int, what: str) -> None:
        if count < fewest:
            reasons = "".join(f"; {site}: {reason}" for site, reason in sorted(self.refusals.items()))
            raise SumRefused(f"{count} sites {what}, and {fewest} are needed{reasons}")

    def _shares_for(self, site: str) -> messages.Shares:
        sealed = {sender: self._shares[sender].sealed[site] for sender in self._senders if sender != site}
        return messages.Shares(sealed, {sender: self._shares[sender].signature for sender in self._senders})

    # The end

    def _mean(self) -> WeightedMean:
        """Take the masks off the total, and read the mean."""
        for site in self._senders:
            if site in self._arrived:
                masks.subtract_mask(self._total, self._seed_of(site))
            else:
                self._take_off_masks_with(site)
        return decode(self._total, self._terms.layout, len(self._arrived))

    def _seed_of(self, site: str) -> bytes:
        seed = shamir.join(self._points({opener: o.seeds[site] for opener, o in self._opened.items()}))
        if hashlib.sha256(seed).digest() != self._adverts[site].seed_digest:
            raise SumRefused(f"the shares of {site}'s seed do not fit its digest; a site sent a wrong one")
        return seed

    def _take_off_masks_with(self, site: str) -> None:
        """Take off the masks that survivors have with a site whose vector has not arrived."""
        private = shamir.join(self._points({opener: o.mask_keys[site] for opener, o in self._opened.items()}))
        if masks.key_pair(private).public != self._adverts[site].mask_key:
            raise SumRefused(f"the shares of {site}'s key do not fit its public key; a site sent a wrong one")
        for other in sorted(self._arrived):
            purpose = messages.mask_purpose(self._keys, site, other)
            seed = masks.agreed_seed(private, self._adverts[other].mask_key, purpose)
            added = messages.sign_of(other, site) > 0
            (masks.subtract_mask if added else masks.add_mask)(self._total, seed)

    def _points(self, shares: Mapping[str, bytes]) -> dict[int, bytes]:
        """Return as many shares as are needed, by their points."""
        points = {site: point for point, site in enumerate(self._adverts, start=1)}
        needed = self._terms.needed(len(self._adverts))
        return {points[site]: shares[site] for site in sorted(shares)[:needed]}
