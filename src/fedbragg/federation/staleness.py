"""How an update loses weight while the model it started from grows old (FedAsync, Xie et al. 2019)."""

from __future__ import annotations

from fedbragg.config import FederationSettings

HINGE_GRACE = 4
"""Steps of staleness that the hinge forgives, as in FedAsync's experiments."""


def damping(age: int, settings: FederationSettings) -> float:
    """Return the factor in (0, 1] for an update whose model has been changed ``age`` times since."""
    exponent = settings.staleness_exponent
    if settings.staleness == "constant":
        return 1.0
    if settings.staleness == "hinge":
        return 1.0 if age <= HINGE_GRACE else 1.0 / (exponent * (age - HINGE_GRACE) + 1.0)
    return float((age + 1.0) ** -exponent)
