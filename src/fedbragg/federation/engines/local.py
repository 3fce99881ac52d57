"""The local engine: every site trains in this process, and the same seed gives the same numbers bit for bit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from math import inf

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.checkpoint import CheckpointStore, Saved, fingerprint
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.recorder import Recorder, RecordingSettings
from fedbragg.federation.engines.training_pool import TrainingPool
from fedbragg.federation.engines.virtual_clock import Network, VirtualClock
from fedbragg.federation.ensemble import Ensemble
from fedbragg.federation.events import Event, SendModel
from fedbragg.federation.local_batchnorm import LocalBatchNorm
from fedbragg.federation.networks import check_averaged, networks_of
from fedbragg.federation.plan import Plan
from fedbragg.federation.private_training import epsilon_after
from fedbragg.federation.progress import FederationOutcome
from fedbragg.federation.secure.requirements import check_sites
from fedbragg.federation.trainer import Trainer
from fedbragg.types import State


class NoNetwork:
    """Sites in this process: a delivery takes as long as its training."""

    counts_seconds = False  # the clock counts samples over speed; the training pool measures real time

    def delivery(self, trainer: Trainer, command: SendModel) -> float:
        """Return how long the site trains: samples x epochs / speed."""
        return trainer.samples * command.epochs / trainer.speed

    def incidents(self) -> Iterable[tuple[float, Event]]:
        """Return nothing: no site joins or leaves."""
        return ()

    def transfer(self, site: str, received: int, sent: int) -> float:
        """Return 0: messages take no time."""
        return 0.0


def federate(
    settings: Federation,
    trainers: Sequence[Trainer],
    initial: State,
    *,
    recording: RecordingSettings | None = None,
    network: Network | None = None,
    ensemble: Ensemble | None = None,
) -> FederationOutcome:
    """Train one model with all sites, in this process.

    ``network`` simulates links and outages (virtual.py). With an ``ensemble`` of different networks
    ``initial`` comes from ``join_networks``; without one, those that the settings name are averaged, each among its
    own sites. A checkpoint of this federation in ``recording.checkpoints`` is
    resumed, or returned if it is finished. Raise FederationError for the checkpoint of another federation
    and for sites without distinct names, ConfigError where the rule is unknown or does not fit.
    """
    recording, ensemble = recording or RecordingSettings(), ensemble or Ensemble(networks_of(settings))
    plan = Plan.of(settings, ensemble.networks)
    if ensemble.refine is not None:
        check_averaged(settings)
    names = [trainer.name for trainer in trainers]
    if len(set(names)) < len(names) or not names:
        raise FederationError(f"the sites are {names}; there must be at least one, and no name twice")
    if plan.privacy.secure:
        check_sites(plan.settings, plan.privacy, len(names))
    folder = recording.checkpoints
    mark = fingerprint(settings, names, initial, plan.networks)
    store = CheckpointStore(folder, mark) if folder else None
    saved = store.load() if store else None
    if saved and saved.finished:
        return FederationOutcome(saved.model, saved.history, saved.record["barrier"], saved.finished)
    costs = partial(epsilon_after, settings)
    recorder = Recorder(recording.listener, recording.evaluate, store, costs)
    recorder.begin(initial, saved)
    model, record, memory = (saved.model, saved.record, saved.memory) if saved else (initial, None, None)
    coordinator = Coordinator(plan, names, model, record, ensemble.refine, memory)
    return _run(coordinator, trainers, network or NoNetwork(), recorder, saved)


def _run(
    coordinator: Coordinator,
    trainers: Sequence[Trainer],
    network: Network,
    recorder: Recorder,
    saved: Saved | None,
) -> FederationOutcome:
    settings = coordinator.plan.settings
    if settings.local_batchnorm:
        trainers = [LocalBatchNorm(trainer) for trainer in trainers]
    # A clock that counts seconds applies the deadlines itself, and real time does not limit a training.
    limit = inf if network.counts_seconds else settings.deadline
    pool = TrainingPool(settings.workers or os.cpu_count() or 1, limit)
    try:
        VirtualClock(coordinator, trainers, network, pool).run(recorder, saved.time if saved else 0.0)
    finally:
        pool.close()
    if recorder.outcome is None:
        raise RuntimeError("the federation ended without an outcome")
    return recorder.outcome
