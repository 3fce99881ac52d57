"""The settings that a coordinator uses, with the sites' networks; checks that a federation can run with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fedbragg.config import Federation, FederationSettings, PrivacySettings
from fedbragg.errors import ConfigError
from fedbragg.federation.ensemble import part_of
from fedbragg.federation.local_batchnorm import batchnorm_names
from fedbragg.federation.networks import check_averaged, check_networks, networks_of
from fedbragg.federation.private_training import check_private
from fedbragg.federation.rules import Rule, rule_of
from fedbragg.federation.secure.requirements import check_secure, check_sites, fewest_in_sum
from fedbragg.types import State


@dataclass(frozen=True, slots=True)
class Plan:
    """A federation's settings as the coordinator sees them.

    Where sites run different networks, ``networks`` names each site's. The global model then holds all of
    them, the tensors of each under ``network/``, and a site sees only its own.
    """

    settings: FederationSettings
    warmup_epochs: int
    epochs: int
    seed: int
    networks: Mapping[str, str] = field(default_factory=dict)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)

    @classmethod
    def of(cls, settings: Federation, networks: Mapping[str, str] | None = None) -> Plan:
        """Return the plan of a federation's settings; raise ConfigError where the rule does not fit them.

        ``networks``, if given, replaces those that the settings name.
        """
        check_rule(settings)
        networks = networks_of(settings) if networks is None else networks
        if networks:
            check_averaged(settings)
        training = settings.training
        epochs = (training.warmup_epochs, training.epochs)
        return cls(settings.federation, *epochs, settings.seed, networks, settings.privacy)

    @property
    def rule(self) -> Rule:
        """Return the aggregation rule."""
        return rule_of(self.settings)

    @property
    def combines_at_barriers(self) -> bool:
        """Return whether a barrier makes a new model; if not, all steps are made on arrival."""
        return self.settings.schedule in ("sync", "hybrid")

    @property
    def fewest_reports(self) -> int:
        """Return how many sites must have reported before a barrier can pass."""
        return fewest_in_sum(self.privacy) if self.privacy.secure else 1

    @property
    def reason_late(self) -> str:
        """Return why a site is left out of a barrier."""
        return f"no update within {self.settings.deadline:g} s"

    @property
    def reason_without_sites(self) -> str:
        """Return why a federation ends when too few sites are left."""
        if self.privacy.secure:
            return f"fewer than {self.fewest_reports} sites are left, too few for a masked sum"
        return "no site is left"

    def reason_to_end(self, barrier: int, fell_by: float | None) -> str | None:
        """Return why a federation ends after ``barrier`` barriers; the last lowered the loss by ``fell_by``."""
        settings = self.settings
        if barrier >= settings.barriers:
            return f"all {settings.barriers} barriers passed"
        if settings.stop_threshold and fell_by is not None and fell_by < settings.stop_threshold:
            return (
                f"the loss fell by {fell_by:.3g}, less than {settings.stop_threshold:g}, between two barriers"
            )
        return None

    def part(self, site: str, model: State) -> State:
        """Return the part of the global model that a site sees."""
        return part_of(self.networks[site], model) if site in self.networks else model

    def whole(self, site: str, tensors: State) -> State:
        """Return a site's tensors under the names that they have in the global model."""
        prefix = self._prefix(site)
        return {prefix + name: tensor for name, tensor in tensors.items()} if prefix else tensors

    def wanted(self, site: str, model: State) -> State:
        """Return the tensors for which a site sends an update."""
        part = self.part(site, model)
        local = batchnorm_names(part) if self.settings.local_batchnorm else frozenset[str]()
        return {name: tensor for name, tensor in part.items() if name not in local}

    def comparable(self, site: str, other: str) -> bool:
        """Return whether two sites run the same network, so that the norms of their updates can be compared."""
        return self._prefix(site) == self._prefix(other)

    def _prefix(self, site: str) -> str:
        return f"{self.networks[site]}/" if site in self.networks else ""


def check_settings(settings: Federation, source: str = "settings") -> None:
    """Raise ConfigError where no command can run these settings; ``source`` names their file in the message.

    Every command calls this before it reads data or trains.
    """
    check_rule(settings, source)
    if not rule_of(settings.federation).trains_network:
        raise ConfigError(
            f"{source} [federation]: aggregation: {settings.federation.aggregation} trains no network: it weighs "
            "models that are already trained. Choose another rule, or use it from Python."
        )
    if settings.privacy.secure:
        check_sites(settings.federation, settings.privacy, len(settings.sites))


def check_rule(settings: Federation, source: str = "settings") -> None:
    """Raise ConfigError where the rule is unknown or does not fit the other settings."""
    where = f"{source} [federation]"
    name, schedule = settings.federation.aggregation, settings.federation.schedule
    try:
        rule = rule_of(settings.federation)
    except ConfigError as error:
        raise ConfigError(f"{where}: aggregation: {error}") from None
    if schedule not in rule.schedules:
        allowed = " or ".join(f'"{word}"' for word in sorted(rule.schedules))
        raise ConfigError(
            f'{where}: {name} does not work with schedule = "{schedule}"; set schedule = {allowed}.'
        )
    if rule.needs_proximal_mu and not settings.training.proximal_mu:
        raise ConfigError(f"{where}: {name} needs proximal_mu in [training]; 0.01 is a good start.")
    for reason in _unfit(settings, rule):
        raise ConfigError(f"{where}: {name} {reason}")
    check_networks(settings, source)
    check_secure(settings, source)
    check_private(settings, source)


def _unfit(settings: Federation, rule: Rule) -> Iterator[str]:
    """Yield why a rule and its schedule do not fit the other settings."""
    if settings.federation.schedule == "compass" and settings.federation.selection != "all":
        yield 'cannot draw sites on the schedule "compass", which groups all of them; set selection = "all".'
    if rule.drift is None:
        return
    if settings.federation.local_batchnorm:
        yield "corrects every tensor of the model, and BatchNorm's would stay at the sites; leave out local_batchnorm."
    if rule.sends_gradient and settings.federation.clip:
        yield "sends a gradient of each site, which clip does not bound; leave out clip, or use another rule."
