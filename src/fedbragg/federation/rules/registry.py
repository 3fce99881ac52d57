"""The table of aggregation rules. Add one with ``register``, or for a ``with`` block with ``registered``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fedbragg.config import FederationSettings
from fedbragg.errors import ConfigError
from fedbragg.federation.rules.drift import FEDDYN, SCAFFOLD
from fedbragg.federation.rules.fedawa import fedawa
from fedbragg.federation.rules.fedboost import mirror_descent
from fedbragg.federation.rules.label_balance import feddisco, fedkl
from fedbragg.federation.rules.robust import krum, median, trimmed_mean
from fedbragg.federation.rules.rule import AT_BARRIERS, IN_ROUNDS, UNGROUPED, Rule
from fedbragg.federation.rules.weights import fednova, uniform

RULES: dict[str, Rule] = {
    "fedavg": Rule(amounts=("samples",)),
    "fedavg_uniform": Rule(uniform, amounts=("site",)),
    "fedkl": Rule(fedkl, amounts=("samples", "balance")),
    "feddisco": Rule(feddisco),
    "fedprox": Rule(
        amounts=("samples",), needs_proximal_mu=True
    ),  # the proximal term acts at the sites, during training
    "fedlc": Rule(amounts=("samples",), calibration="margin"),
    "fedavg_prior": Rule(amounts=("samples",), calibration="prior"),
    "fednova": Rule(fednova, schedules=IN_ROUNDS, needs_steps=True),
    "fedawa": Rule(weights_of_steps=fedawa, schedules=AT_BARRIERS),
    "scaffold": Rule(uniform, schedules=IN_ROUNDS, drift=SCAFFOLD),
    "feddyn": Rule(uniform, schedules=IN_ROUNDS, drift=FEDDYN),
    "fedpaq": Rule(uniform, compression="quantised"),
    "fedboost": Rule(combine=mirror_descent, schedules=IN_ROUNDS, trains_network=False),
    "fedbuff": Rule(uniform),  # its buffer is a setting that every rule has
    "fedasync": Rule(on_arrival="mix", schedules=UNGROUPED),
    "median": Rule(uniform, combine=median, on_arrival="recombine", schedules=AT_BARRIERS),
    "trimmed_mean": Rule(uniform, combine=trimmed_mean, on_arrival="recombine", schedules=AT_BARRIERS),
    "krum": Rule(uniform, krum, on_arrival="recombine", schedules=AT_BARRIERS),
}
"""Every known rule by the name that ``[federation] aggregation`` gives; docs/reference/federation.md explains them."""


def register(name: str, rule: Rule) -> None:
    """Add a rule for this process; raise ConfigError where the name is taken."""
    if name in RULES:
        raise ConfigError(f"there is already an aggregation rule {name!r}; choose another name.")
    RULES[name] = rule


@contextmanager
def registered(name: str, rule: Rule) -> Iterator[str]:
    """Add a rule for the length of a ``with`` block; raise ConfigError where the name is taken."""
    register(name, rule)
    try:
        yield name
    finally:
        del RULES[name]


def rule_of(settings: FederationSettings) -> Rule:
    """Return the rule that the settings name; raise ConfigError, with the known rules, where there is none."""
    if settings.aggregation not in RULES:
        raise ConfigError(f"unknown rule {settings.aggregation!r}. Known rules: {', '.join(RULES)}.")
    return RULES[settings.aggregation]
