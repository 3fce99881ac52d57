"""A federation whose sites run different networks: settings, start, what each site sees, files and history."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fedbragg.errors import ConfigError
from fedbragg.federation import FederationOutcome, federate
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.hits import open_model
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.types import State
from fedbragg.workflows.bench import BenchRequest, bench
from fedbragg.workflows.federate import (
    Federated,
    Project,
    open_project,
    provenance,
    train_together,
    trainer_of,
    write_results,
)
from fedbragg.workflows.site_data import SiteData, split

HEAD = """\
seed = 4
[hits]
network = "{network}"
public_frames = 0
distillation_epochs = 40
[training]
warmup_epochs = 20
epochs = 10
learning_rate = 0.003
[federation]
schedule = "{schedule}"
barriers = 3
"""


def federation_toml(
    folder: Path, networks: dict[str, str], network: str = "spotnet", schedule: str = "sync", more: str = ""
) -> Path:
    """Write settings with a site for each of ``networks``; an empty one is left out."""
    text = HEAD.format(network=network, schedule=schedule) + more
    for site, named in networks.items():
        text += f'[[sites]]\nname = "{site}"\nruns = ["-"]\nlabels = "-"\n'
        text += f'network = "{named}"\n' if named else ""
    path = folder / "federation.toml"
    path.write_text(text)
    return path


def frames(seed: int, number: int, measure: int) -> HitData:
    """Return frames of four peaks; every other one is a hit, which shows in one of the measures."""
    generator = torch.Generator().manual_seed(seed)
    hit = (torch.arange(number) % 2).float()
    measures = 0.3 * torch.randn(4 * number, MEASURES, generator=generator)
    measures[:, measure] += torch.repeat_interleave(hit, 4)
    return HitData(measures, torch.arange(number + 1) * 4, hit, -torch.ones(4 * number))


@dataclass(frozen=True, slots=True)
class TaughtOnTheseFrames(HitsTask):
    """Hit finding whose public frames show what all sites have; none is simulated."""

    def examples_to_teach(self, seed: int, progress: Progress) -> HitData:
        return self.concatenate([frames(90 + measure, 40, measure) for measure in range(3)])


def with_quick_frames(project: Project) -> Project:
    task = project.task
    assert isinstance(task, HitsTask)
    return replace(project, task=TaughtOnTheseFrames(task.settings, task.prepare))


def test_a_site_that_names_none_runs_the_network_of_the_tasks_section(tmp_path: Path) -> None:
    project = open_project(federation_toml(tmp_path, {"a": "", "b": "kindnet", "c": "spotnet-small"}))
    assert project.networks.of_sites == {"a": "spotnet", "b": "kindnet", "c": "spotnet-small"}
    assert project.networks.names == ("spotnet", "kindnet", "spotnet-small")  # the default first
    assert not open_project(federation_toml(tmp_path, {"a": "", "b": ""})).networks.differ


@pytest.mark.parametrize(
    ("networks", "network", "more", "reason"),
    [
        (
            {"a": "", "b": "resnet"},
            "spotnet",
            "",
            "site b: unknown network 'resnet'. Known networks: spotnet, ",
        ),
        ({"a": "kindnet", "b": "kindnet"}, "spotnet", "", "no site runs it; name there one that a site runs"),
        (
            {"a": ""},
            "kindnet",
            "[privacy]\nepsilon = 5.0\n",
            "the network kindnet cannot be trained with noise",
        ),
        ({"a": "", "b": "kindnet"}, "spotnet", "[privacy]\nepsilon = 5.0\n", "the network kindnet cannot"),
    ],
)
def test_networks_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, networks: dict[str, str], network: str, more: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        open_project(federation_toml(tmp_path, networks, network, more=more))
    assert reason in str(refusal.value)
    assert str(refusal.value).startswith(str(tmp_path)) and "\n" not in str(refusal.value)


def test_a_task_with_one_network_refuses_the_key(tmp_path: Path) -> None:
    path = tmp_path / "federation.toml"
    path.write_text('task = "phases"\n[[sites]]\nname = "a"\nruns = ["-"]\nlabels = "-"\nnetwork = "small"\n')
    with pytest.raises(ConfigError, match="the task phases has one network; leave the key out"):
        open_project(path)


def test_bench_refuses_different_networks(tmp_path: Path) -> None:
    path = federation_toml(tmp_path, {"a": "", "b": "kindnet"})
    with pytest.raises(ConfigError, match="bench compares rules on one network"):
        bench(BenchRequest(path, ("fedavg",), tmp_path / "out"))


def trained(folder: Path, networks: dict[str, str], schedule: str = "sync") -> Federated:
    project = with_quick_frames(open_project(federation_toml(folder, networks, schedule=schedule)))
    start = project.networks.start_model(project.settings.seed, SILENT)
    return train_together(project, sites_of(networks), start)


def sites_of(networks: dict[str, str]) -> list[SiteData[HitData]]:
    """Return sites whose hits show in another measure each."""
    return [split(name, frames(n, 60, n), 0.3) for n, name in enumerate(networks)]


def areas_elsewhere(project: Project, model: State) -> list[float]:
    """Return the AUC of each site's network on frames like those of each other site."""
    networks, found = project.networks, []
    for n, site in enumerate(networks.of_sites):
        for data in (frames(70 + other, 60, other) for other in range(3) if other != n):
            answers = networks.task_of(site).answers(networks.state_of(site, model), data)
            found.append(project.task.metrics(data.truth, answers)["AUC"].value)
    return found


def test_networks_learn_what_only_sites_with_another_have_seen(tmp_path: Path) -> None:
    several = {"a": "spotnet", "b": "kindnet", "c": "spotnet-small"}
    federated = trained(tmp_path, several, "hybrid")
    project = federated.project
    start = project.networks.start_model(project.settings.seed, SILENT)
    trainers = [trainer_of(project, site) for site in sites_of(several)]
    untaught = federate(
        project.settings, trainers, start
    )  # each network is averaged among its own sites alone
    taught, alone = (areas_elsewhere(project, one.model) for one in (federated.outcome, untaught))
    assert min(taught) > 0.6
    assert np.mean(taught) > np.mean(alone) + 0.1


def test_each_network_has_its_model_file_and_history_names_them(tmp_path: Path) -> None:
    project = open_project(federation_toml(tmp_path, {"a": "", "b": "spotnet-small"}))
    model = project.networks.start_model(1, SILENT)
    out = tmp_path / "out"
    out.mkdir()
    write_results(out, project, FederationOutcome(model, [], 2, "done"))
    assert sorted(path.name for path in out.glob("*.onnx")) == ["model-spotnet-small.onnx", "model.onnx"]
    cards = [open_model(out / name).card for name in ("model.onnx", "model-spotnet-small.onnx")]
    assert [card.network for card in cards] == ["spotnet", "spotnet-small"]
    shown = [(site["name"], site["network"]) for site in cards[1].provenance["settings"]["sites"]]
    assert shown == [("a", "spotnet"), ("b", "spotnet-small")]
    assert cards[1].provenance["settings"]["hits"]["network"] == "spotnet-small"
    np.testing.assert_array_equal(
        read_state(out / "model-spotnet-small.onnx")["spot.0.weight"], model["spotnet-small/spot.0.weight"]
    )
    history = json.loads((out / "history.json").read_text())
    assert history["networks"] == {"a": "spotnet", "b": "spotnet-small"}
    assert history["models"] == {"spotnet": "model.onnx", "spotnet-small": "model-spotnet-small.onnx"}


def test_one_network_leaves_no_trace_in_files(tmp_path: Path) -> None:
    project = open_project(federation_toml(tmp_path, {"a": ""}))
    assert project.networks.model_names == {"": "model.onnx"}
    made = provenance(project.settings, project.task, FederationOutcome({}, [], 1, "done"))
    assert "network" not in made["settings"]["sites"][0]
