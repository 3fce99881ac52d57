"""Sites with different networks: which one each runs, and which settings allow that."""

from __future__ import annotations

from collections.abc import Iterator

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.federation.rules import RULES, rule_of
from fedbragg.federation.rules.rule import AT_BARRIERS


def networks_of(settings: Federation) -> dict[str, str]:
    """Return each site's network by the site's name, empty where the sites name none.

    Raise ConfigError where some sites name one and others do not.
    """
    named = {site.name: site.network for site in settings.sites if site.network}
    bare = [site.name for site in settings.sites if not site.network]
    if named and bare:
        raise ConfigError(
            f"[[sites]]: site {bare[0]} names no network, and other sites do; name one for each."
        )
    return named


def of_site(settings: Federation, site: str) -> Federation:
    """Return the settings as a site sees them: the task's own section names the network that it runs."""
    network = networks_of(settings).get(site)
    if network is None:
        return settings
    section = {**(settings.model_extra or {}).get(settings.task, {}), "network": network}
    return settings.model_copy(update={settings.task: section})


def check_networks(settings: Federation, source: str) -> None:
    """Raise ConfigError where sites name networks that cannot learn from one another with these settings.

    ``source`` names the file in the message.
    """
    if any(site.network for site in settings.sites):
        for reason in _reasons(settings):
            raise ConfigError(f"{source} [[sites]]: network: {reason}")


def check_averaged(settings: Federation) -> None:
    """Raise ConfigError where these settings do not allow different networks."""
    for reason in _reasons(settings):
        raise ConfigError(reason)


def _reasons(settings: Federation) -> Iterator[str]:
    """Yield why these settings do not allow different networks."""
    federation = settings.federation
    name, rule = federation.aggregation, rule_of(federation)
    if federation.schedule not in AT_BARRIERS:
        yield (
            f'different networks learn from one another at barriers, where "{federation.schedule}" makes no model; '
            'set schedule = "sync" or "hybrid".'
        )
    if not rule.averages:
        fitting = ", ".join(name for name, row in RULES.items() if row.averages)
        yield f"{name} compares or corrects steps of one network; use {fitting}."
    if settings.privacy.secure:
        yield (
            "what each site's model says of public frames is averaged, and secure = true hides the single models; "
            "leave out secure in [privacy], or let all sites run one network."
        )
    if federation.local_batchnorm:
        yield "a network cannot teach others without the tensors that local_batchnorm keeps at the sites; leave it out."
