"""The federation of one settings file, hit finding or phases: sites' data in, one model out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg import __version__
from fedbragg.config import Federation, SiteSettings
from fedbragg.errors import FedbraggError, LabelError
from fedbragg.federation.engines.local import federate
from fedbragg.federation.engines.recorder import ProgressListener, RecordingSettings
from fedbragg.federation.plan import check_settings
from fedbragg.federation.progress import FederationOutcome
from fedbragg.federation.trainer import Trainer
from fedbragg.images import open_run, read_labels
from fedbragg.metrics.classification import Estimate, summary
from fedbragg.tasks.hits.learner import HitData, join, part, pretrain, scores_of, whole_frame_of
from fedbragg.tasks.hits.model_file import ModelCard, save_model
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.sources import labelled, public_frames
from fedbragg.tasks.phases.federated import phase_frames, phase_start, write_federated
from fedbragg.tasks.phases.site import PhaseFrames, PhaseSite, join_frames
from fedbragg.tasks.site import HitSite
from fedbragg.types import State

FEWEST = 10
"""Labelled frames without which a site has nothing to train on and nothing to judge by."""
THRESHOLD = 0.5
Tick = Callable[[], None]
SiteData = HitData | PhaseFrames
"""What a site trains on, by task."""


@dataclass(frozen=True, slots=True, eq=False)
class SiteFrames:
    """One site's labelled frames: the first in time train, the last judge."""

    name: str
    train: SiteData
    held_out: SiteData
    speed: float


def site_frames(
    settings: Federation, site: SiteSettings, folder: Path, tick: Callable[[int], None] = lambda _: None
) -> SiteFrames:
    """Read a site's runs and labels, relative paths seen from ``folder``; ``tick`` hears the run's length."""
    if settings.task == "phases":
        patterns = phase_frames(settings, site, folder, tick)
        return split(site.name, patterns, settings.training.validation_share, site.speed)
    run = open_run([str(folder / path) for path in site.runs])
    labels = read_labels(folder / site.labels)
    try:
        data = labelled(run, labels, prepare_settings(settings), lambda: tick(len(run)))
    except FedbraggError as error:
        raise LabelError(f"site {site.name}: {error}") from None
    return split(site.name, data, settings.training.validation_share, site.speed)


def split(name: str, data: SiteData, share: float, speed: float = 1.0) -> SiteFrames:
    """Hold the last frames in time back; neighbours are near-copies, so they are never dealt at random."""
    if len(data) < FEWEST:
        raise LabelError(f"site {name}: {len(data)} labelled frames; label at least {FEWEST}.")
    cut = round(len(data) * (1 - share))
    return SiteFrames(name, _part(data, 0, cut), _part(data, cut, len(data)), speed)


def _part(data: SiteData, start: int, stop: int) -> SiteData:
    return data.part(start, stop) if isinstance(data, PhaseFrames) else part(data, start, stop)


def trainer_of(settings: Federation, site: SiteFrames) -> Trainer:
    """Return a site as the federation sees it."""
    kind = PhaseSite if isinstance(site.train, PhaseFrames) else HitSite
    return kind(site.name, site.train, settings.training, settings.seed, site.speed)  # type: ignore[arg-type]


def prepare_settings(settings: Federation) -> PrepareSettings:
    """Return how this federation prepares frames."""
    return PrepareSettings(settings.model.block)


def start_model(
    settings: Federation, tick: Tick = lambda: None, watch: Callable[[int, float], None] | None = None
) -> State:
    """Train the model that every site starts from, on simulated frames that belong to nobody."""
    model = settings.model
    if settings.task == "phases":
        return phase_start(settings, tick, watch)
    data = None
    if model.public_frames and model.public_epochs:
        data = public_frames(model.public_frames, settings.seed, prepare_settings(settings), tick)
    return pretrain(data, model.public_epochs, settings.seed, watch, settings.training.hit_weight)


def train_together(
    settings: Federation,
    sites: Sequence[SiteFrames],
    initial: State,
    watch: ProgressListener | None = None,
    checkpoints: Path | None = None,
) -> FederationOutcome:
    """Run the federation over sites in this process; raise ConfigError for a rule that trains no network."""
    check_settings(settings)
    trainers = [trainer_of(settings, site) for site in sites]

    def evaluate(state: State) -> Mapping[str, float]:
        return {site.name: judge(state, site.held_out)["balanced accuracy"].value for site in sites}

    recording = RecordingSettings(watch, evaluate, checkpoints)
    return federate(settings, trainers, initial, recording=recording)


def train_alone(settings: Federation, site: SiteFrames, initial: State, epochs: int) -> State:
    """Train on one site's frames alone, for as many epochs as it would have had in the federation."""
    changed = trainer_of(settings, site).train(initial, 0, epochs).tensors
    return {name: initial[name] + changed[name] for name in initial}


def train_pooled(settings: Federation, sites: Sequence[SiteFrames], initial: State, epochs: int) -> State:
    """Train on all sites' frames in one place: what a federation must do without."""
    pool = SiteFrames("pooled", _join([s.train for s in sites]), _join([s.held_out for s in sites]), 1.0)
    return train_alone(settings, pool, initial, epochs)


def _join(parts: Sequence[SiteData]) -> SiteData:
    patterns = [part for part in parts if isinstance(part, PhaseFrames)]
    return join_frames(patterns) if patterns else join([part for part in parts if isinstance(part, HitData)])


def judge(state: State, data: SiteData, threshold: float = THRESHOLD) -> dict[str, Estimate]:
    """Return every figure of a model on labelled frames."""
    if isinstance(data, PhaseFrames):
        return data.judge(state, threshold)
    return summary(data.hit.numpy() > 0, scores_of(state, data), threshold)


def positives(data: SiteData) -> int:
    """Return how many frames show what is looked for."""
    return data.positives if isinstance(data, PhaseFrames) else int(data.hit.sum())


def write_model(path: Path, settings: Federation, outcome: FederationOutcome) -> None:
    """Write the model file with its settings and how it came about."""
    if settings.task == "phases":
        write_federated(path, settings, outcome.model, provenance(settings, outcome))
        return
    card = ModelCard(
        "hits", settings.model.name, prepare_settings(settings), THRESHOLD, provenance(settings, outcome)
    )
    save_model(path, whole_frame_of(outcome.model), card)


def provenance(settings: Federation, outcome: FederationOutcome) -> dict[str, Any]:
    """Say how the model came about, without a word of where the sites keep their data."""
    return {
        "fedbragg": __version__,
        "settings": settings.model_dump(
            mode="json",
            exclude={"server": True, "phases": {"structures"}, "sites": {"__all__": {"runs", "labels"}}},
        ),
        "barriers": outcome.barriers,
        "ended": outcome.reason,
    }
