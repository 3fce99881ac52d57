"""The local engine: every site trains in this process, and the same seed gives the same numbers bit for bit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.checkpoint import load
from fedbragg.federation.coordinator import Coordinator, Refine
from fedbragg.federation.engines.recorder import Evaluate, Ledger, Shelf, Watch
from fedbragg.federation.engines.training_pool import Workshop
from fedbragg.federation.engines.virtual_clock import Conditions, Timeline, Trip
from fedbragg.federation.events import Event, SendModel
from fedbragg.federation.local_batchnorm import KeepsNorms
from fedbragg.federation.plan import Plan
from fedbragg.federation.progress import Outcome
from fedbragg.federation.trainer import Trainer
from fedbragg.types import State


class SameRoom:
    """Conditions without links: an errand takes as long as its training."""

    keeps_deadlines = False  # the clock counts samples over speed; the workshop keeps the real time

    def trip(self, trainer: Trainer, command: SendModel) -> Trip:
        """Return how long the site trains: samples x epochs / speed."""
        return Trip(trainer.samples * command.epochs / trainer.speed)

    def incidents(self) -> Iterable[tuple[float, Event]]:
        """Return nothing: sites neither come nor go."""
        return ()


def federate(
    settings: Federation,
    trainers: Sequence[Trainer],
    initial: State,
    *,
    watch: Watch | None = None,
    evaluate: Evaluate | None = None,
    checkpoint_dir: Path | None = None,
    conditions: Conditions | None = None,
    networks: Mapping[str, str] | None = None,
    refine: Refine | None = None,
) -> Outcome:
    """Train one model with all sites, in this process.

    ``watch`` hears of everything that happens; ``evaluate`` scores the model at the start and at each
    barrier; ``refine`` may improve a barrier's model before it is sent (distil.py). ``networks`` names each
    site's network where these differ; ``initial`` then comes from plan.joined.

    If ``checkpoint_dir`` holds a checkpoint of this same federation, it goes on from there; a finished one
    is returned as it ended; that of another federation raises FederationError.
    """
    names = [trainer.name for trainer in trainers]
    if len(set(names)) < len(names) or not names:
        raise FederationError(f"the sites are {names}; there must be at least one, and no name twice")
    shelf = Shelf(checkpoint_dir, fingerprint(settings, names, initial)) if checkpoint_dir else None
    saved = load(shelf.folder, shelf.fingerprint) if shelf else None
    if saved and saved.finished:
        return Outcome(saved.model, saved.history, saved.record["barrier"], saved.finished)
    ledger = Ledger(watch, evaluate, shelf)
    ledger.begin(initial, saved)
    plan = Plan.of(settings, networks)
    model, record = (saved.model, saved.record) if saved else (initial, None)
    coordinator = Coordinator(plan, names, model, record, refine)
    if settings.federation.keep_norms:
        trainers = [KeepsNorms(trainer) for trainer in trainers]
    conditions = conditions or SameRoom()
    # Where the clock keeps the deadlines, real time is no measure of a training.
    limit = inf if conditions.keeps_deadlines else settings.federation.deadline
    workshop = Workshop(settings.federation.workers or os.cpu_count() or 1, limit)
    try:
        timeline = Timeline(coordinator, trainers, conditions, workshop)
        timeline.run(ledger, saved.time if saved else 0.0)
    finally:
        workshop.close()
    if ledger.outcome is None:
        raise RuntimeError("the federation ended without an outcome")
    return ledger.outcome


def fingerprint(settings: Federation, names: Sequence[str], initial: State) -> str:
    """Return what tells this federation from any other: settings, sites, and the model's tensors."""
    told = settings.model_dump_json(
        exclude={"federation": {"workers", "engine"}, "server": True, "sites": True}
    )
    tensors = [f"{name} {tensor.dtype} {tensor.shape}" for name, tensor in sorted(initial.items())]
    return hashlib.sha256("\n".join([told, *names, *tensors]).encode()).hexdigest()
