"""Masks: streams of AES-256 in counter mode, from seeds that two sites agree on or that one site draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.federation.secure.fixed_point import Vector

SEED = 32  # bytes
PIECE = 1 << 18
"""Bytes of a stream made at a time, which stay in a core's own cache."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """A key pair for X25519 (RFC 7748); the private part is not shown when the pair is printed."""

    private: bytes  # 32 bytes
    public: bytes  # 32 bytes


def key_pair(private: bytes) -> KeyPair:
    """Return the pair of a private key of 32 random bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return KeyPair(private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def agreed_seed(private: bytes, public: bytes, purpose: bytes) -> bytes:
    """Return the seed that two sites share: X25519, then HKDF with SHA-256 (RFC 5869) for ``purpose``.

    Raise ValueError for a public key of low order, with which everybody could compute the seed.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    secret = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    return derived(secret, purpose)


def derived(secret: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes that follow from a secret, and differ by purpose."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=SEED, salt=None, info=purpose).derive(secret)


def add_mask(vector: Vector, seed: bytes) -> None:
    """Add a seed's stream to a vector, in place."""
    _apply(vector, seed, np.add)


def subtract_mask(vector: Vector, seed: bytes) -> None:
    """Subtract a seed's stream from a vector, in place."""
    _apply(vector, seed, np.subtract)


def _apply(vector: Vector, seed: bytes, operation: np.ufunc) -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # A seed makes one stream only, so the counter can start at zero.
    stream = Cipher(algorithms.AES256(seed), modes.CTR(bytes(16))).encryptor()
    zeros, made = bytes(PIECE), bytearray(PIECE + 15)
    whole: tuple[NDArray[Any], ...] = (vector.numbers, vector.counts)
    for integers in whole:
        step = PIECE // integers.itemsize
        for start in range(0, integers.size, step):
            piece = integers[start : start + step]
            stream.update_into(memoryview(zeros)[: piece.nbytes], made)
            operation(piece, np.frombuffer(made, piece.dtype, piece.size), out=piece)
