"""A site's part in one masked sum: a state machine without I/O, a message of the server in, an answer out.

It is for one trained update and one sum. It refuses, with the reason, every message that could show the server more
than the sum of at least three sites; after a refusal it answers nothing more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fedbragg.errors import SumRefused
from fedbragg.federation.secure import masks, messages, shamir
from fedbragg.federation.secure.fixed_point import encode
from fedbragg.federation.secure.identity import Credentials
from fedbragg.federation.secure.sealing import SecretShares, seal, unseal
from fedbragg.federation.secure.shamir import Random
from fedbragg.federation.secure.signed_lists import SignedLists
from fedbragg.federation.secure.terms import Terms
from fedbragg.types import Update


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The secrets that a site draws for one sum; not shown when printed."""

    mask: masks.KeyPair
    share: masks.KeyPair
    seed: bytes  # of the self-mask

    @classmethod
    def drawn(cls, random: Random) -> Secrets:
        """Draw new secrets."""
        return cls(masks.key_pair(random(32)), masks.key_pair(random(32)), random(masks.SEED))


class SiteSum:
    """One site in one sum."""

    def __init__(
        self,
        update: Update,
        terms: Terms,
        credentials: Credentials,
        lists: SignedLists,
        random: Random = os.urandom,
    ) -> None:
        """Offer ``update``, already clipped; raise SumRefused where it cannot be bounded."""
        self.site, self._terms = update.site, terms
        self._vector = encode(update, terms.layout)
        self._credentials, self._lists, self._random = credentials, lists, random
        self._secrets = Secrets.drawn(random)
        self._expected: type[messages.ServerMessage] | None = messages.Keys
        self._adverts: dict[str, messages.Advert] = {}  # sorted by site
        self._keys = b""  # digest of the adverts
        self._held: dict[str, SecretShares] = {}  # this site's shares of each sender's secrets
        self._list: messages.Survivors | None = None
        self._own = self._signed_advert()

    @property
    def advert(self) -> messages.Advert:
        """Return this site's keys, the first message."""
        return self._own

    def answer(self, message: messages.ServerMessage) -> messages.SiteMessage:
        """Return the answer to the server's next message, a Refusal where it must not be given."""
        try:
            if self._expected is None or not isinstance(message, self._expected):
                raise SumRefused(f"{type(message).__name__} is not the next step of this sum")
            return self._answer(message)
        except (SumRefused, ValueError) as error:
            self._expected = None
            return messages.Refusal(str(error))

    def _answer(self, message: messages.ServerMessage) -> messages.SiteMessage:
        match message:
            case messages.Keys():
                self._expected = messages.Shares
                return self._share(message)
            case messages.Shares():
                self._expected = messages.Survivors
                return self._mask(message)
            case messages.Survivors():
                self._expected = messages.Signatures
                return self._sign(message)
            case messages.Signatures():
                self._expected = None
                return self._open(message)

    def _signed_advert(self) -> messages.Advert:
        identity, secrets = self._credentials.identity, self._secrets
        advert = messages.Advert(
            self.site,
            identity.certificate,
            self._terms.digest,
            secrets.mask.public,
            secrets.share.public,
            hashlib.sha256(secrets.seed).digest(),
            self._lists.signed_for(self._terms.model) or (),
        )
        return replace(advert, signature=identity.sign(advert.content))

    # Keys -> SealedShares

    def _share(self, message: messages.Keys) -> messages.SealedShares:
        self._check_keys(message)
        self._adverts = {advert.site: advert for advert in message.adverts}
        self._keys = messages.keys_digest(message.adverts)
        sites = list(self._adverts)
        needed = self._terms.needed(len(sites))
        private = shamir.split(self._secrets.mask.private, len(sites), needed, self._random)
        seeds = shamir.split(self._secrets.seed, len(sites), needed, self._random)
        shares = {site: SecretShares(*pair) for site, *pair in zip(sites, private, seeds, strict=True)}
        self._held[self.site] = shares.pop(self.site)
        sealed = {site: seal(share, self._share_seed(self.site, site)) for site, share in shares.items()}
        return messages.SealedShares(
            sealed, self._credentials.identity.sign(messages.shares_content(self._keys))
        )

    def _check_keys(self, message: messages.Keys) -> None:
        sites = [advert.site for advert in message.adverts]
        if sites != sorted(set(sites)) or self._own not in message.adverts:
            raise SumRefused("the list of keys is not in order or lacks this site's own")
        if not self._terms.fewest(len(sites)) <= len(sites) <= self._terms.layout.sites:
            raise SumRefused(f"{len(sites)} sites are too few for a sum, or more than were announced")
        for advert in message.adverts:
            if advert.terms != self._own.terms:
                raise SumRefused(f"{advert.site} has got another model or other settings than this site")
            self._credentials.authority.check(
                advert.site, advert.certificate, advert.content, advert.signature
            )

    # Shares -> MaskedVector

    def _mask(self, message: messages.Shares) -> messages.MaskedVector:
        self._take_shares(message)
        vector, self._vector = self._vector, None  # type: ignore[assignment]  # it is masked in place, and only once
        masks.add_mask(vector, self._secrets.seed)
        for other in self._held:
            if other != self.site:
                seed = self._mask_seed(other)
                add = messages.sign_of(self.site, other) > 0
                (masks.add_mask if add else masks.subtract_mask)(vector, seed)
        return messages.MaskedVector(vector)

    def _take_shares(self, message: messages.Shares) -> None:
        senders = set(message.signatures)
        if not senders <= self._adverts.keys() or message.sealed.keys() != senders - {self.site}:
            raise SumRefused("the shares are not from sites of this sum")
        if self.site not in senders or len(senders) < self._terms.fewest(len(self._adverts)):
            raise SumRefused(f"{len(senders)} sites sent shares, too few for a sum")
        content = messages.shares_content(self._keys)
        for sender, signature in message.signatures.items():
            certificate = self._adverts[sender].certificate
            self._credentials.authority.check(sender, certificate, content, signature)
        for sender, sealed in message.sealed.items():
            self._held[sender] = unseal(sealed, self._share_seed(sender, self.site), sender)

    # Survivors -> SignedList

    def _sign(self, message: messages.Survivors) -> messages.SignedList:
        survivors = message.survivors
        if message.senders != tuple(sorted(self._held)) or survivors != tuple(sorted(set(survivors))):
            raise SumRefused("the list of survivors does not fit the shares that were sent")
        if self.site not in survivors or not set(survivors) <= self._held.keys():
            raise SumRefused("the list of survivors lacks this site or has strangers")
        if len(survivors) < self._terms.fewest(len(self._adverts)):
            raise SumRefused(f"{len(survivors)} sites are left, too few for a sum")
        signed = self._lists.signed_for(self._terms.model)
        if signed is not None and signed != survivors:
            raise SumRefused(
                f"this site has signed a sum of {', '.join(signed)} for this model; the sum of others would show the "
                "difference. Have those sites come back, or start from a model of its own: set the number of "
                "public examples in the task's section, and another seed"
            )
        self._lists.add(self._terms.model, survivors)
        self._list = message
        return messages.SignedList(
            self._credentials.identity.sign(messages.list_content(self._keys, message))
        )

    # Signatures -> OpenedShares

    def _open(self, message: messages.Signatures) -> messages.OpenedShares:
        if self._list is None:
            raise SumRefused("no list of survivors was signed")
        valid = self._valid(message.signatures, self._list)
        if valid < self._terms.needed(len(self._adverts)):
            raise SumRefused(f"only {valid} sites have signed the same list of survivors")
        survivors = set(self._list.survivors)
        return messages.OpenedShares(
            {site: share.seed for site, share in self._held.items() if site in survivors},
            {site: share.mask_key for site, share in self._held.items() if site not in survivors},
        )

    def _valid(self, signatures: Mapping[str, bytes], signed: messages.Survivors) -> int:
        """Return how many survivors have signed this list."""
        content, count = messages.list_content(self._keys, signed), 0
        for site in set(signed.survivors) & signatures.keys():
            try:
                certificate = self._adverts[site].certificate
                self._credentials.authority.check(site, certificate, content, signatures[site])
            except SumRefused:
                continue
            count += 1
        return count

    # Seeds

    def _mask_seed(self, other: str) -> bytes:
        purpose = messages.mask_purpose(self._keys, self.site, other)
        return masks.agreed_seed(self._secrets.mask.private, self._adverts[other].mask_key, purpose)

    def _share_seed(self, sender: str, receiver: str) -> bytes:
        other = self._adverts[receiver if sender == self.site else sender]
        purpose = messages.share_purpose(self._keys, sender, receiver)
        return masks.agreed_seed(self._secrets.share.private, other.share_key, purpose)
