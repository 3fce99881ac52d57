"""A federation whose sites run different networks: start models, distillation, and a model file for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.federation import Ensemble
from fedbragg.federation.distil import distillation
from fedbragg.federation.ensemble import join_networks, part_of
from fedbragg.federation.networks import networks_of
from fedbragg.progress import Progress
from fedbragg.tasks.base import Task
from fedbragg.tasks.networks import NetworksTask, TaskStudent, with_networks
from fedbragg.types import State

MODEL = "model.onnx"
"""The model file, or that of the default network."""


@dataclass(frozen=True, slots=True, eq=False)
class SiteNetworks:
    """The networks of a federation's sites, with the task of each; none where all run the task's own."""

    task: Task[Any]
    of_sites: Mapping[str, str]  # by the site's name

    @property
    def differ(self) -> bool:
        """Return whether the sites name networks, so that the global model holds several."""
        return bool(self.of_sites)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the networks, the default one first."""
        default = with_networks(self.task).network
        return tuple(dict.fromkeys([default, *self.of_sites.values()]))

    def task_of(self, site: str) -> Task[Any]:
        """Return the task with a site's network."""
        return self._with(self.of_sites[site]) if self.differ else self.task

    def state_of(self, site: str, model: State) -> State:
        """Return a site's network in the global model."""
        return part_of(self.of_sites[site], model) if self.differ else model

    @property
    def model_names(self) -> dict[str, str]:
        """Return the name of the model file of each network, the default one first."""
        if not self.differ:
            return {"": MODEL}
        return {name: MODEL if name == self.names[0] else f"model-{name}.onnx" for name in self.names}

    def files(self, model: State) -> dict[str, tuple[Task[Any], State]]:
        """Return task and weights of each model file by its name."""
        if not self.differ:
            return {MODEL: (self.task, model)}
        return {file: (self._with(name), part_of(name, model)) for name, file in self.model_names.items()}

    def start_model(self, seed: int, progress: Progress) -> State:
        """Return the model that every site starts from."""
        if not self.differ:
            return self.task.start_model(seed, progress)
        return join_networks(with_networks(self.task).start_models(self.names, seed, progress))

    def ensemble(self, seed: int, progress: Progress) -> Ensemble:
        """Return the networks, and the function that has them learn from one another on public examples."""
        if not self.differ:
            return Ensemble()
        examples = with_networks(self.task).examples_to_teach(seed, progress)
        students = {name: TaskStudent(self._with(name), examples, seed) for name in self.names}
        return Ensemble(self.of_sites, distillation(students, self.of_sites))

    def _with(self, network: str) -> NetworksTask[Any]:
        return with_networks(self.task).with_network(network)


def site_networks(settings: Federation, task: Task[Any]) -> SiteNetworks:
    """Return the networks of a federation's sites; raise ConfigError where the settings do not determine them."""
    return SiteNetworks(task, networks_of(settings))


def with_all_named(settings: Federation, task: Task[Any]) -> Federation:
    """Return settings in which every site names its network, if one does; the task's section names the others'.

    Raise ConfigError for a network that the task does not know, and where no site runs that of the task's section.
    """
    if not any(site.network for site in settings.sites):
        return settings
    several = with_networks(task)
    sites = [site.model_copy(update={"network": site.network or several.network}) for site in settings.sites]
    for site in sites:
        if site.network not in several.networks:
            known = ", ".join(several.networks)
            raise ConfigError(
                f"[[sites]]: site {site.name}: unknown network {site.network!r}. Known networks: {known}."
            )
    if all(site.network != several.network for site in sites):
        raise ConfigError(
            f"[{task.name}]: network = {several.network!r} is for {MODEL}, and no site runs it; name there one that "
            "a site runs."
        )
    return settings.model_copy(update={"sites": tuple(sites)})
