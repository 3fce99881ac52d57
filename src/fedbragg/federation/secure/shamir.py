"""Shamir's secret sharing (Shamir, How to share a secret, CACM 1979) of 32 bytes over a prime field.

The secret is the value at 0 of a random polynomial of degree ``threshold`` - 1; a share is its value at another point.
That many shares give the polynomial by Lagrange's interpolation, and fewer say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fedbragg.errors import SumRefused

PRIME = (1 << 256) + 297
"""The smallest prime above 2**256, so that every secret is a number of the field."""
SECRET = 32  # bytes
SHARE = 33  # bytes

Random = Callable[[int], bytes]
"""Return this many random bytes, as os.urandom does."""


def split(secret: bytes, points: int, threshold: int, random: Random) -> list[bytes]:
    """Return the shares at 1 to ``points``; any ``threshold`` of them give the secret back."""
    if len(secret) != SECRET or not 1 <= threshold <= points:
        raise ValueError(f"{len(secret)} bytes cannot be shared {threshold} of {points}")
    coefficients = [int.from_bytes(secret, "big")] + [_draw(random) for _ in range(threshold - 1)]
    return [value_at(coefficients, point).to_bytes(SHARE, "big") for point in range(1, points + 1)]


def value_at(coefficients: list[int], point: int) -> int:
    """Return a polynomial's value in the field, by Horner's rule; the first coefficient is the constant."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * point + coefficient) % PRIME
    return value


def join(shares: Mapping[int, bytes]) -> bytes:
    """Return the secret that shares, by their points, hold; raise SumRefused where they hold none."""
    value = sum(
        weight * _number(share)
        for weight, share in zip(_weights(tuple(shares)), shares.values(), strict=True)
    )
    value %= PRIME
    if value >= 1 << (8 * SECRET):
        raise SumRefused("the shares of a secret do not fit together; a site sent a wrong one")
    return value.to_bytes(SECRET, "big")


def _weights(points: tuple[int, ...]) -> list[int]:
    """Return Lagrange's weights at 0: the product of x_j / (x_j - x_i) over all other points x_j."""
    weights = []
    for point in points:
        above, below = 1, 1
        for other in points:
            if other != point:
                above, below = above * other % PRIME, below * (other - point) % PRIME
        weights.append(above * pow(below, -1, PRIME) % PRIME)
    return weights


def _number(share: bytes) -> int:
    value = int.from_bytes(share, "big")
    if len(share) != SHARE or value >= PRIME:
        raise SumRefused("a share is not a number of the field; a site sent a wrong one")
    return value


def _draw(random: Random) -> int:
    """Draw a number of the field; numbers beyond it are drawn again, so that all are equally likely."""
    while True:
        value = int.from_bytes(random(SHARE), "big") >> 7  # 257 bits
        if value < PRIME:
            return value
