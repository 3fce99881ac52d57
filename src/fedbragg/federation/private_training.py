"""Differential privacy in a federation: which settings allow it, how much noise it needs, and the cost of each barrier.

Noise, sampling and number of steps follow from the settings, not from a site's data, so every site and every party
computes the same epsilon. It is for one run or crystal of any site, against everybody who sees all models and updates.
"""

from __future__ import annotations

from collections.abc import Iterator

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.extras import require
from fedbragg.federation.rules import rule_of
from fedbragg.learn.accounting import SampledNoise, epsilon_of, noise_for
from fedbragg.learn.settings import PrivateTerms


def check_private(settings: Federation, source: str) -> None:
    """Raise ConfigError where ``[privacy] epsilon`` cannot be kept; ``source`` names the file in the message."""
    if settings.privacy.private:
        for reason in _reasons(settings):
            raise ConfigError(f"{source} [privacy]: epsilon {reason}")


def _reasons(settings: Federation) -> Iterator[str]:
    federation = settings.federation
    if federation.schedule != "sync":
        yield (
            f'must know beforehand how often a site trains, and "{federation.schedule}" lets fast sites train more '
            'often; set schedule = "sync".'
        )
    if settings.training.precision != "float32":
        yield "needs gradients in float32; leave precision out of [training]."
    if settings.style.share != "off":
        yield 'adds no noise to a style, which describes pictures; set share = "off" in [style].'
    if rule_of(federation).acts_at_sites:
        yield (
            f"adds noise to gradients, and {federation.aggregation} reveals more about a site than those (its label "
            "frequencies, a gradient or its steps); choose another rule."
        )
    if not rule_of(federation).trains_network:
        yield f"adds noise in training, and {federation.aggregation} trains no network; choose another rule."


def private_terms(settings: Federation) -> PrivateTerms | None:
    """Return how the sites train with noise, None where they do not.

    The noise is the least with which all trainings of a site cost at most the epsilon of the settings. Raise
    ConfigError where no noise is enough, MissingExtraError without the package that computes epsilon.
    """
    privacy = settings.privacy
    if not privacy.private:
        return None
    require("private", "differential privacy")
    rate, terms = privacy.sampling_rate, PrivateTerms(privacy.sampling_rate, 0.0, privacy.gradient_clip)
    steps = sum(terms.steps(epochs) for epochs in _epochs(settings, settings.federation.barriers))
    return PrivateTerms(rate, noise_for(privacy.epsilon, privacy.delta, rate, steps), privacy.gradient_clip)


def cost_of(terms: PrivateTerms, epochs: int) -> SampledNoise:
    """Return the privacy cost of one training."""
    return SampledNoise(terms.rate, terms.noise, terms.steps(epochs))


def epsilon_after(settings: Federation, barriers: int) -> float | None:
    """Return the epsilon of a site's updates after a number of barriers, None without private training."""
    terms = private_terms(settings)
    if terms is None:
        return None
    costs = [cost_of(terms, epochs) for epochs in _epochs(settings, barriers)]
    return epsilon_of(costs, settings.privacy.delta)


def promise(settings: Federation) -> str:
    """Return the promise of private training in one line; raise ConfigError without it."""
    terms, privacy = private_terms(settings), settings.privacy
    if terms is None:
        raise ConfigError("[privacy]: epsilon is 0, so there is no promise.")
    return (
        f"at most epsilon {privacy.epsilon:g} at delta {privacy.delta:g} for each run or crystal, after all "
        f"{settings.federation.barriers} barriers (noise {terms.noise:.3g}, sampling rate {terms.rate:g})"
    )


def _epochs(settings: Federation, barriers: int) -> list[int]:
    """Return the epochs of a site's trainings up to a barrier."""
    training = settings.training
    return [training.warmup_epochs, *[training.epochs] * (barriers - 1)][:barriers]
