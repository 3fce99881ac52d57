"""Signatures of messages: the site's own key, and the authority that knows every site's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fedbragg.errors import SumRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Identity(Protocol):
    """A site's signing key."""

    @property
    def certificate(self) -> bytes:
        """Return the certificate that shows the authority whose key it is."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Return a signature of the content."""
        ...


class Authority(Protocol):
    """Knows which certificate belongs to which site."""

    def check(self, site: str, certificate: bytes, content: bytes, signature: bytes) -> None:
        """Raise SumRefused unless the holder of the site's certificate has signed the content."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key with which a site signs, and the authority for others' signatures."""

    identity: Identity
    authority: Authority


@dataclass(frozen=True, slots=True, repr=False)
class GeneratedIdentity:
    """A key that was drawn for one site in this process; its certificate is the public key."""

    key: Ed25519PrivateKey

    @property
    def certificate(self) -> bytes:
        """Return the public key, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """Return an Ed25519 signature (RFC 8032)."""
        return self.key.sign(content)


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """An authority that knows every site's public key."""

    keys: Mapping[str, bytes]

    def check(self, site: str, certificate: bytes, content: bytes, signature: bytes) -> None:
        """Raise SumRefused unless the site's key has signed the content."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self.keys.get(site) != certificate:
            raise SumRefused(f"{site} shows a certificate that is not its own")
        try:
            Ed25519PublicKey.from_public_bytes(certificate).verify(signature, content)
        except InvalidSignature:
            raise SumRefused(f"a message in the name of {site} has a wrong signature") from None


def generated_credentials(sites: Iterable[str]) -> dict[str, Credentials]:
    """Draw a key for each site of this process, and let all know each other's."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    identities = {site: GeneratedIdentity(Ed25519PrivateKey.generate()) for site in sites}
    authority = KnownKeys({site: identity.certificate for site, identity in identities.items()})
    return {site: Credentials(identity, authority) for site, identity in identities.items()}
