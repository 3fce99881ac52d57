"""Apply the rule that the settings name: weights, combination, compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.registry import rule_of
from fedbragg.federation.rules.weights import Profile, Weights, capped
from fedbragg.types import State


def site_weights(profiles: Sequence[Profile], settings: FederationSettings) -> Weights:
    """Return each site's weight from its profile, after capping the number of frames it claims."""
    return rule_of(settings).weights(capped(profiles, settings.sample_factor), settings)


def report_weights(
    start: State, steps: Sequence[State], profiles: Sequence[Profile], settings: FederationSettings
) -> Weights:
    """Return the weight of each report, from the steps themselves where the rule judges those."""
    judge = rule_of(settings).weights_of_steps
    return site_weights(profiles, settings) if judge is None else judge(start, steps, profiles, settings)


def combine(
    start: State, steps: Sequence[State], weights: Sequence[float], settings: FederationSettings
) -> dict[str, NDArray[Any]]:
    """Combine ``steps``, each a difference to ``start``, into the next model by the settings' rule."""
    return rule_of(settings).combine(start, steps, weights, settings)


def compression_of(settings: FederationSettings) -> str:
    """Return how updates are encoded: as the rule demands, else as the settings say."""
    return rule_of(settings).compression or settings.compression
