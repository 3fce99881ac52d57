"""The settings with which secure aggregation can keep its promise; others are refused, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from fedbragg.config import Federation, FederationSettings, PrivacySettings
from fedbragg.errors import ConfigError
from fedbragg.federation.rules import RULES, rule_of
from fedbragg.federation.secure.fixed_point import FEWEST_SITES, MOST_SITES


def check_secure(settings: Federation, source: str) -> None:
    """Raise ConfigError where ``[privacy] secure`` cannot be kept; ``source`` names the file in the message."""
    if settings.privacy.secure:
        for reason in _reasons(settings):
            raise ConfigError(f"{source} [privacy]: secure = true {reason}")


def _reasons(settings: Federation) -> Iterator[str]:
    federation = settings.federation
    if federation.schedule in ("async", "compass"):
        yield f'shows sums only, and "{federation.schedule}" applies single updates on arrival; set schedule = "sync".'
    fewest = fewest_in_sum(settings.privacy)
    if federation.schedule == "hybrid" and federation.buffer < fewest:
        yield (
            f'shows sums of at least {fewest} sites; with "hybrid" set buffer = {fewest} or more, the sites that are '
            'summed between barriers, or set schedule = "sync".'
        )
    if not rule_of(federation).amounts:
        fitting = ", ".join(name for name, rule in RULES.items() if rule.amounts)
        yield f"shows sums only, and {federation.aggregation} needs single updates or weights; use {fitting}."
    if not federation.clip:
        yield (
            "adds updates as integers of 32 bits, which only a bounded update cannot exceed; set clip in [federation], "
            "such as 10: the longest update that may leave a site."
        )
    if federation.compression != "full":
        yield f'sends integers under masks, which cannot be {federation.compression}; set compression = "full".'
    if federation.selection != "all" or federation.cohort:
        yield 'hides what a selection weighs, and sums of changing cohorts can be subtracted; set selection = "all".'
    if settings.style.share != "off":
        yield 'hides single sites, and a style describes one; set share = "off" in [style].'
    if settings.privacy.threshold > MOST_SITES:
        yield f"works with at most {MOST_SITES} sites; set a lower threshold."


def fewest_in_sum(privacy: PrivacySettings) -> int:
    """Return how many sites a sum has at least."""
    return max(FEWEST_SITES, privacy.threshold)


def check_sites(federation: FederationSettings, privacy: PrivacySettings, count: int) -> None:
    """Raise ConfigError unless sums of this many sites can hide each of them."""
    if not FEWEST_SITES <= count <= MOST_SITES:
        raise ConfigError(f"secure = true needs {FEWEST_SITES} to {MOST_SITES} sites, and there are {count}.")
    fewest = fewest_in_sum(privacy)
    if federation.schedule == "hybrid" and count < federation.buffer + fewest:
        raise ConfigError(
            f'secure = true with "hybrid" and buffer = {federation.buffer} needs {federation.buffer + fewest} sites, '
            f"and there are {count}: {fewest} or more must be left to be summed after a buffer; set schedule = "
            '"sync".'
        )
