"""The messages of a masked sum, in the order in which they are sent; each step has one from the server and one back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ConfigDict

from fedbragg.federation.secure.fixed_point import Vector

IN_JSON = ConfigDict(extra="forbid", strict=True, ser_json_bytes="base64", val_json_bytes="base64")
"""Pydantic's settings for messages: no unknown field, and bytes as base64."""


@dataclass(frozen=True, slots=True)
class Advert:
    """A site's public keys for one sum, signed."""

    __pydantic_config__ = IN_JSON
    site: str
    certificate: bytes
    terms: bytes  # digest of the terms, as the site sees them
    mask_key: bytes  # X25519; masks with other sites follow from it
    share_key: bytes  # X25519; shares for this site are encrypted with it
    seed_digest: bytes  # SHA-256 of the self-mask's seed
    bound: tuple[str, ...] = ()  # the sites of the list that it has signed for the model: it needs just these
    signature: bytes = b""

    @property
    def content(self) -> bytes:
        """Return the signed content; ``bound`` is not, because the site itself keeps to it."""
        parts = (self.terms, self.mask_key, self.share_key, self.seed_digest, self.site.encode())
        return b"fedbragg keys\n" + b"".join(parts)  # all but the last have 32 bytes


# From the server


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of all sites that have trained."""

    __pydantic_config__ = IN_JSON
    adverts: tuple[Advert, ...]  # sorted by site


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares for one site, by the site that sent them."""

    __pydantic_config__ = IN_JSON
    sealed: Mapping[str, bytes]
    signatures: Mapping[str, bytes]  # of every sender, over the keys


@dataclass(frozen=True, slots=True)
class Survivors:
    """The sites that sent shares, and those whose vectors have arrived."""

    __pydantic_config__ = IN_JSON
    senders: tuple[str, ...]  # sorted
    survivors: tuple[str, ...]  # sorted


@dataclass(frozen=True, slots=True)
class Signatures:
    """The sites' signatures of the list of survivors."""

    __pydantic_config__ = IN_JSON
    signatures: Mapping[str, bytes]


ServerMessage = Keys | Shares | Survivors | Signatures

# From a site


@dataclass(frozen=True, slots=True)
class SealedShares:
    """Shares of a site's two secrets, by the site for which they are encrypted."""

    __pydantic_config__ = IN_JSON
    sealed: Mapping[str, bytes]
    signature: bytes  # over the keys: only a site that takes part now can make it


@dataclass(frozen=True, slots=True, eq=False)
class MaskedVector:
    """A site's vector under all its masks."""

    vector: Vector


@dataclass(frozen=True, slots=True)
class SignedList:
    """A site's signature of the list of survivors."""

    __pydantic_config__ = IN_JSON
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpenedShares:
    """One secret's share for each sender: the self-mask's seed of a survivor, else the private mask key."""

    __pydantic_config__ = IN_JSON
    seeds: Mapping[str, bytes]
    mask_keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a site takes no further part in this sum."""

    __pydantic_config__ = IN_JSON
    reason: str


SiteMessage = SealedShares | MaskedVector | SignedList | OpenedShares | Refusal


def keys_digest(adverts: Iterable[Advert]) -> bytes:
    """Return the SHA-256 of all keys of a sum, which identifies the sum."""
    digest = hashlib.sha256(b"fedbragg sum\n")
    for advert in adverts:
        for part in (advert.certificate, advert.signature, advert.content):
            digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def shares_content(keys: bytes) -> bytes:
    """Return the content that a site signs when it sends shares."""
    return b"fedbragg shares\n" + keys


def list_content(keys: bytes, survivors: Survivors) -> bytes:
    """Return the content that a site signs about the survivors."""
    names = [",".join(survivors.senders), ",".join(survivors.survivors)]
    return b"fedbragg survivors\n" + keys + "\n".join(names).encode()


def mask_purpose(keys: bytes, site: str, other: str) -> bytes:
    """Return the purpose of the seed from which two sites' common mask follows."""
    return b"fedbragg mask\n" + keys + "\n".join(sorted((site, other))).encode()


def share_purpose(keys: bytes, sender: str, receiver: str) -> bytes:
    """Return the purpose of the key for shares from one site to another."""
    return b"fedbragg share\n" + keys + f"{sender}\n{receiver}".encode()


def sign_of(site: str, other: str) -> int:
    """Return +1 where ``site`` adds the mask that it has with ``other``, -1 where it subtracts it."""
    return 1 if site < other else -1
