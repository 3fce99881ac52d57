from __future__ import annotations

import numpy as np
import pytest

from fedbragg.federation.secure import masks
from fedbragg.federation.secure.fixed_point import Vector


def vector(numbers: int, counts: int = 3) -> Vector:
    return Vector(np.zeros(numbers, np.uint32), np.zeros(counts, np.uint64))


def test_the_stream_is_aes_256_in_counter_mode() -> None:
    """The first block is AES-256 of zeros: key of zeros, plaintext of zeros (NIST's known answers)."""
    made = vector(4, 0)
    masks.add_mask(made, bytes(32))
    assert made.numbers.astype("<u4").tobytes().hex() == "dc95c078a2408989ad48a21492842087"


def test_a_mask_comes_off_again_whatever_its_length() -> None:
    for length in (0, 1, masks.PIECE // 4 - 1, masks.PIECE // 4 + 1):
        one = vector(length)
        masks.add_mask(one, b"a" * 32)
        assert length < 2 or one.numbers.any()
        assert one.counts.all()
        masks.subtract_mask(one, b"a" * 32)
        assert not one.numbers.any() and not one.counts.any()


def test_two_sites_agree_on_a_seed_that_differs_by_purpose() -> None:
    alice = masks.key_pair(b"a" * 32)
    bob = masks.key_pair(b"b" * 32)
    seed = masks.agreed_seed(alice.private, bob.public, b"one")
    assert seed == masks.agreed_seed(bob.private, alice.public, b"one")
    assert seed != masks.agreed_seed(alice.private, bob.public, b"two")


def test_a_public_key_of_low_order_is_refused() -> None:
    with pytest.raises(ValueError):
        masks.agreed_seed(b"a" * 32, bytes(32), b"any")


def test_secrets_are_not_shown() -> None:
    assert "private" not in repr(masks.key_pair(b"a" * 32))
