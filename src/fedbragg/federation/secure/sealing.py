"""Shares on their way between two sites, encrypted so that the server, which passes them on, cannot read them."""

from __future__ import annotations

from dataclasses import dataclass

from fedbragg.errors import SumRefused
from fedbragg.federation.secure.shamir import SHARE

NONCE = bytes(12)


@dataclass(frozen=True, slots=True, repr=False)
class SecretShares:
    """One site's shares of another site's two secrets; not shown when printed."""

    mask_key: bytes  # of the private key from which the masks with other sites follow
    seed: bytes  # of the self-mask's seed


def seal(shares: SecretShares, key: bytes) -> bytes:
    """Encrypt shares with AES-256-GCM; ``key`` is for this one message."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(NONCE, shares.mask_key + shares.seed, None)


def unseal(sealed: bytes, key: bytes, sender: str) -> SecretShares:
    """Decrypt shares; raise SumRefused where they were changed on the way or are for somebody else."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        content = AESGCM(key).decrypt(NONCE, sealed, None)
    except InvalidTag:
        raise SumRefused(
            f"the shares of {sender} cannot be decrypted: they were changed on the way"
        ) from None
    if len(content) != 2 * SHARE:
        raise SumRefused(f"the shares of {sender} have {len(content)} bytes instead of {2 * SHARE}")
    return SecretShares(content[:SHARE], content[SHARE:])
