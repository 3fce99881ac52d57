"""Kits whose certificates are not what their server expects."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Authority:
    """One that signs kits."""

    key: RSAPrivateKey
    root: x509.Certificate

    @classmethod
    def of_kits(cls, kits: Path) -> Authority:
        """Return the one that `fedbragg provision` has made in a folder of kits."""
        state = json.loads((kits / "authority/fedbragg/state/cert.json").read_text())
        key = load_pem_private_key(state["root_pri_key"].encode(), None)
        return cls(key, x509.load_pem_x509_certificate(state["root_cert"].encode()))

    @classmethod
    def another(cls) -> Authority:
        """Return one of the same name that has signed nothing yet."""
        key = generate_private_key(65537, 2048)
        return cls(key, _signed(key, "fedbragg", key, "fedbragg", authority=True))

    def certify(self, kit: Path, valid_for: timedelta = timedelta(days=1)) -> None:
        """Give a kit a new key, with a certificate of its own name."""
        name = json.loads((kit / "kit.json").read_text())["name"]
        key = generate_private_key(65537, 2048)
        signed = _signed(key, name, self.key, self.root.subject, valid_for)
        content = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (kit / "startup/client.key").write_bytes(content)
        (kit / "startup/client.crt").write_bytes(signed.public_bytes(Encoding.PEM))


def copied(kit: Path, name: str) -> Path:
    """Return a copy of a kit beside it; the copy takes no lock of the original."""
    return Path(shutil.copytree(kit, kit.with_name(name), ignore=shutil.ignore_patterns("lock")))


def _signed(
    key: RSAPrivateKey,
    name: str,
    by: RSAPrivateKey,
    issuer: str | x509.Name,
    valid_for: timedelta = timedelta(days=1),
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer) if isinstance(issuer, str) else issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + valid_for)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        made = made.add_extension(usage, critical=False)
    return made.sign(by, SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
