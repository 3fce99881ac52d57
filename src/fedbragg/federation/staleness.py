"""How the weight of an update falls with the age of the model it started from (FedAsync, Xie et al. 2019)."""

from __future__ import annotations

from fedbragg.config import FederationSettings

HINGE_GRACE = 4
"""Age up to which the hinge leaves the weight at 1, as in FedAsync's experiments."""


def damping(age: int, settings: FederationSettings) -> float:
    """Return the factor in (0, 1] for an update whose start model has been changed ``age`` times since."""
    exponent = settings.staleness_exponent
    if settings.staleness == "constant":
        return 1.0
    if settings.staleness == "hinge":
        return 1.0 if age <= HINGE_GRACE else 1.0 / (exponent * (age - HINGE_GRACE) + 1.0)
    return float((age + 1.0) ** -exponent)
