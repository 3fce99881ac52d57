from __future__ import annotations

import os
from itertools import combinations

import pytest

from fedbragg.errors import SumRefused
from fedbragg.federation.secure import shamir


def test_the_field_is_prime() -> None:
    """Fermat's test to 40 bases; a composite number that passes them all would be a Carmichael number."""
    assert all(pow(base, shamir.PRIME - 1, shamir.PRIME) == 1 for base in range(2, 42))
    assert not any(pow(3, n - 1, n) == 1 for n in range((1 << 256) + 1, shamir.PRIME, 2))


def test_a_polynomial_worked_by_hand() -> None:
    """f(x) = 1234 + 166 x + 94 x**2, the example of the article "Shamir's secret sharing" in Wikipedia."""
    values = [shamir.value_at([1234, 166, 94], point) for point in range(1, 7)]
    assert values == [1494, 1942, 2578, 3402, 4414, 5614]
    shares = {point: value.to_bytes(shamir.SHARE, "big") for point, value in enumerate(values, start=1)}
    for points in combinations(shares, 3):
        assert int.from_bytes(shamir.join({p: shares[p] for p in points}), "big") == 1234


@pytest.mark.parametrize(("points", "threshold"), [(3, 2), (5, 3), (7, 7), (4, 1)])
def test_any_threshold_of_shares_give_the_secret(points: int, threshold: int) -> None:
    for secret in (bytes(32), b"\xff" * 32, os.urandom(32)):
        shares = dict(enumerate(shamir.split(secret, points, threshold, os.urandom), start=1))
        for chosen in combinations(shares, threshold):
            assert shamir.join({point: shares[point] for point in chosen}) == secret


def test_fewer_shares_fit_every_secret() -> None:
    """For two shares of three needed there is, for any secret, one polynomial through all: they say nothing."""
    shares = dict(enumerate(shamir.split(os.urandom(32), 5, 3, os.urandom), start=1))
    first, second = (int.from_bytes(shares[p], "big") for p in (1, 2))
    for secret in (0, 1, 1 << 255):
        # Through (0, secret), (1, first), (2, second): the coefficients by hand.
        square = (second - 2 * first + secret) * pow(2, -1, shamir.PRIME) % shamir.PRIME
        polynomial = [secret, (first - secret - square) % shamir.PRIME, square]
        assert [shamir.value_at(polynomial, p) for p in (1, 2)] == [first, second]


def test_wrong_shares_are_refused() -> None:
    shares = dict(enumerate(shamir.split(os.urandom(32), 3, 2, os.urandom), start=1))
    with pytest.raises(SumRefused, match="not a number of the field"):
        shamir.join({1: shares[1], 2: shamir.PRIME.to_bytes(shamir.SHARE, "big")})
    with pytest.raises(SumRefused, match="do not fit together"):
        shamir.join({1: (1 << 256).to_bytes(33, "big")})
    with pytest.raises(ValueError, match="cannot be shared"):
        shamir.split(bytes(31), 3, 2, os.urandom)
