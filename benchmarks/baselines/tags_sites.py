"""Five sites that differ as instruments do, each of which annotates some of the tags: alone, together, pooled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from fedbragg.config import Federation, FederationSettings, SiteSettings, TrainingSettings
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.simulation.scattering.experiment import Instrument
from fedbragg.simulation.scattering.layouts import LAYOUTS
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.data import TagData, concatenate
from fedbragg.tasks.tags.judge import metrics_by_tag
from fedbragg.tasks.tags.settings import TagsSettings
from fedbragg.tasks.tags.sources import Simulated, simulated
from fedbragg.tasks.tags.task import TagsTask
from fedbragg.types import State
from fedbragg.workflows.federate import Project, train_alone, train_pooled, train_together
from fedbragg.workflows.site_data import SiteData
from harness import Table

RULES = ("fedavg", "fedkl", "feddisco")
IMAGES = 4
EXPERIMENTS = (90, 70, 70, 50, 40)
"""Experiments of each site, with IMAGES images each."""
TEST_EXPERIMENTS = 40
"""Experiments of each site's instrument that are never trained on, with 4 images each."""
PUBLIC, PUBLIC_EPOCHS = 120, 4
"""Experiments of any instrument that the start model learns from."""


def _instrument(
    name: str, regimes: dict[str, float], detectors: tuple[str, ...], counts: tuple[float, float]
) -> Instrument:
    layouts = tuple(layout for layout in LAYOUTS if layout.name in detectors)
    return Instrument(name, MappingProxyType(regimes), layouts, any_layout=0.0, peak_counts=counts)


SITES = (
    _instrument("saxs", {"small angle": 1.0}, ("Pilatus 1M", "Eiger 1M"), (50, 60_000)),
    _instrument("waxs", {"wide angle": 1.0}, ("Pilatus 300K-W", "Pilatus 900K-W"), (20, 20_000)),
    _instrument("grazing", {"grazing": 1.0}, ("Pilatus 2M", "Lambda 750K"), (20, 60_000)),
    _instrument("weak", {"small angle": 0.7, "wide angle": 0.3}, ("MarCCD 165", "Rayonix 225"), (2, 60)),
    _instrument(
        "strong",
        {"small angle": 0.4, "wide angle": 0.6},
        ("mar345", "flat panel", "Eiger 4M"),
        (2_000, 60_000),
    ),
)
STOPS = {"beam_off_image", "circular_beamstop", "linear_beamstop", "wedge_beamstop"}
RINGS = {"halo", "ring", "many_rings", "higher_orders", "polycrystalline"}
STRENGTH = {"strong_scattering", "weak_scattering", "high_background"}
LATTICES = {"bcc", "fcc", "structure_factor"}
ANNOTATES = (
    {*STOPS, *RINGS, *LATTICES, "diffuse_low_q"},
    {*RINGS, "beam_off_image", "anisotropic", "diffuse_high_q", "strong_scattering"},
    {"grazing_incidence", "anisotropic", "halo", "ring", "beam_off_image", *STRENGTH},
    {*STRENGTH, *STOPS, "ring", "diffuse_low_q", "diffuse_high_q", "grazing_incidence"},
    {*RINGS, *STRENGTH, "anisotropic", "circular_beamstop", "structure_factor"},
)
"""The tags that each site annotates; every tag has a site, no site has all."""


def table(seeds: Sequence[dict[str, dict[str, float]]]) -> Table:
    """Return the table of the seeds' results, as ``one_seed`` returns them."""
    from baselines.phases_judging import interval  # needs more packages than training does

    found = {name: [scores[name] for scores in seeds] for name in seeds[0]}
    metrics = ("mAP", "AUC", "balanced accuracy", "accuracy")
    rows = [[name, *(interval([s[m] for s in scores]) for m in metrics)] for name, scores in found.items()]
    notes = [
        f"Sites hold {_held()} simulated images and annotate {', '.join(str(len(a)) for a in ANNOTATES)} of "
        f"{len(TAGS)} "
        f"tags. Start: {PUBLIC} public experiments, {PUBLIC_EPOCHS} epochs. "
        "Hybrid schedule, 2 warm-up epochs and 3 barriers of 1; alone and pooled train as many. Judged by "
        f"{TEST_EXPERIMENTS} x 4 images of new experiments of each of the five instruments, every tag.",
        "Pooled: one training on all sites' images, each with its own site's annotations.",
    ]
    return Table("Five instruments, each annotating some of the tags", ("training", *metrics), rows, notes)


def _held() -> str:
    return ", ".join(
        f"{site.name} {number * IMAGES}" for site, number in zip(SITES, EXPERIMENTS, strict=True)
    )


def one_seed(seed: int, device: str) -> dict[str, dict[str, float]]:
    """Train alone, together and pooled; return each model's scores on the instruments' new experiments."""
    sites, test = _sites(seed, device), _test()
    start = _start(seed, device)
    states: dict[str, State] = {"start": start}
    project = _project(seed, "fedkl")
    for site in sites:
        states[f"{site.name} alone"] = train_alone(project, site, start, project.epochs)
    for rule in RULES:
        states[rule] = train_together(_project(seed, rule), sites, start).outcome.model
    states["pooled"] = train_pooled(project, sites, start, project.epochs)
    return {name: _score(state, test) for name, state in states.items()}


def _score(state: State, test: TagData) -> dict[str, float]:
    probabilities = learner.probabilities(learner.network_of(state, len(TAGS)), test)
    judged = metrics_by_tag(test.labels.numpy(), probabilities)
    return {
        name: float(np.nanmean([tag[name].value for tag in judged]))
        for name in ("mAP", "AUC", "balanced accuracy", "accuracy")
    }


def _sites(seed: int, device: str) -> list[SiteData[TagData]]:
    found = []
    for k, (instrument, experiments, tags) in enumerate(zip(SITES, EXPERIMENTS, ANNOTATES, strict=True)):
        data = simulated(
            Simulated(experiments, IMAGES, instrument, (256, 384)), 9_000 + 10 * seed + k, _nothing
        )
        unknown = torch.tensor([tag not in tags for tag in TAGS])
        data = TagData(
            data.views, data.labels.masked_fill(unknown, -1), torch.full_like(data.beams, torch.nan)
        )
        found.append(SiteData(instrument.name, data, data[:IMAGES], device=device))
    return found


def _test() -> TagData:
    parts = [
        simulated(Simulated(TEST_EXPERIMENTS, 4, instrument, (256, 384)), 88_000 + k, _nothing)
        for k, instrument in enumerate(SITES)
    ]
    return concatenate(parts)


def _start(seed: int, device: str) -> State:
    network = learner.new_network(len(TAGS), seed)
    data = simulated(Simulated(PUBLIC, IMAGES), 66_000 + seed, _nothing)
    fitting = FitSettings(PUBLIC_EPOCHS, learner.BATCH, learner.PRETRAINING_RATE, device=device)
    learner.train(network, data, fitting, seed)
    return state_of(network)


def _project(seed: int, rule: str) -> Project:
    plan = Federation(
        task="tags",
        seed=seed,
        training=TrainingSettings(warmup_epochs=2, epochs=1, batch=32, learning_rate=1e-3),
        federation=FederationSettings(aggregation=rule, barriers=3, workers=1),
        sites=tuple(SiteSettings(name=instrument.name, runs=("-",), labels="-") for instrument in SITES),
    )
    return Project(plan, TagsTask(TagsSettings()), Path())


def _nothing(text: str | None = None) -> None:
    pass
