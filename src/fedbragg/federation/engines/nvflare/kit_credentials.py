"""Sign with a site's kit, and check other sites' signatures by the federation's authority.

FLARE's certificates are RSA keys of 2048 bits; signatures are RSASSA-PSS with SHA-256 (RFC 8017). A server's or an
account's certificate is signed by the same authority and never counts as a site's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from fedbragg.errors import ConfigError, SumRefused
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.secure.identity import Credentials

PADDING = PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)
ROLE = NameOID.UNSTRUCTURED_NAME
"""Where FLARE puts an account's role."""


@dataclass(frozen=True, slots=True, repr=False)
class KitIdentity:
    """A site's private key and certificate."""

    key: RSAPrivateKey
    certificate: bytes  # DER

    def sign(self, content: bytes) -> bytes:
        """Return a signature."""
        return self.key.sign(content, PADDING, SHA256())


@dataclass(frozen=True, slots=True)
class KitAuthority:
    """The authority that signs the kits."""

    root: x509.Certificate
    server: str  # the host in the server's certificate

    def check(self, site: str, certificate: bytes, content: bytes, signature: bytes) -> None:
        """Raise SumRefused unless the holder of the site's certificate has signed the content."""
        try:
            shown = x509.load_der_x509_certificate(certificate)
            shown.verify_directly_issued_by(self.root)
            key = shown.public_key()
            if not isinstance(key, RSAPublicKey):
                raise TypeError("no RSA key")
            key.verify(signature, content, PADDING, SHA256())
        except (InvalidSignature, ValueError, TypeError):
            raise SumRefused(
                f"a message in the name of {site} has a wrong signature or certificate"
            ) from None
        self._check_name(site, shown)
        if not shown.not_valid_before_utc <= datetime.now(UTC) <= shown.not_valid_after_utc:
            raise SumRefused(f"the certificate of {site} has expired; provision its kit again")

    def _check_name(self, site: str, shown: x509.Certificate) -> None:
        if _names(shown) != [site] or site == self.server or shown.subject.get_attributes_for_oid(ROLE):
            raise SumRefused(f"{site} shows a certificate that is not that of a site of this name")


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the common names that a certificate is for; FLARE's have one."""
    return [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def kit_credentials(kit: Path) -> Credentials:
    """Return the keys with which a site's kit signs and checks; raise ConfigError where its files cannot be used."""
    holder, startup = open_kit(kit, "site"), kit / "startup"
    try:
        key = load_pem_private_key((startup / "client.key").read_bytes(), password=None)
        own = x509.load_pem_x509_certificate((startup / "client.crt").read_bytes())
        root = x509.load_pem_x509_certificate((startup / "rootCA.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{startup}: the kit's key or certificate cannot be read ({error}).") from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(f"{startup}/client.key: holds no RSA key; provision the kit again.")
    if (names := _names(own)) != [holder.name]:
        raise ConfigError(
            f"{startup}/client.crt: made for {' and '.join(names) or 'nobody'}, and the kit for {holder.name}. "
            "Ask the coordinator for the whole kit again, and change no file in it."
        )
    server = holder.address.rsplit(":", 1)[0]
    return Credentials(KitIdentity(key, own.public_bytes(Encoding.DER)), KitAuthority(root, server))
