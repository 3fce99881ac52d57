"""One hostile site in five: its updates, the defences, and the remaining damage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from baselines.privacy_sites import TASK, DrawnSite
from fedbragg.config import Federation
from fedbragg.federation import federate
from fedbragg.federation.trainer import ChangedTrainer, Trainer
from fedbragg.federation.veto import Standard, Veto
from fedbragg.tasks.base import headline_score
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples, hit_example
from fedbragg.tasks.hits.learner import scores_of
from fedbragg.tasks.site import TaskSite
from fedbragg.types import Frame, Label, State, Update

ATTACKS = ("none", "flipped labels", "scaled updates", "hot pixels")
DEFENCES = ("none", "veto", "clip", "clip and veto")
SCALE = -10.0
"""Factor of scaled updates: the opposite of the learnt update, many times over."""
CLIP = 0.5
"""Longest update, about as long as honest ones: those of two epochs have norms of 0.2 to 0.5."""
LARGEST_FALL = 0.05
HELD_OUT = 0.25
TRIGGER = 6  # hot pixels


@dataclass(frozen=True)
class Damage:
    """The result at the honest sites."""

    accuracy: float  # balanced, mean over sites
    triggered: float  # share of misses with the trigger that count as hits
    withdrawn: int  # models of barriers


def multiplied(trainer: Trainer, factor: float) -> Trainer:
    """Return a site that trains on its data and multiplies the update."""

    def train(trainer: Trainer, model: State, version: int, epochs: int) -> Update:
        update = trainer.train(model, version, epochs)
        tensors = {name: (factor * tensor).astype(tensor.dtype) for name, tensor in update.tensors.items()}
        return replace(update, tensors=tensors)

    return ChangedTrainer(trainer, train)


def damage(sites: Sequence[DrawnSite], start: State, attack: str, defence: str, seed: int) -> Damage:
    """Run a federation whose first site is hostile, and measure the four others."""
    settings = _settings(seed, clip=CLIP if "clip" in defence else 0.0)
    vetoes = [_veto(site) if "veto" in defence else None for site in sites[1:]]
    honest = [_honest(site, settings, veto) for site, veto in zip(sites[1:], vetoes, strict=True)]
    outcome = federate(settings, [_hostile(sites[0], settings, attack), *honest], start)
    models = [veto.kept(outcome.model) if veto else outcome.model for veto in vetoes]
    accuracy = [headline_score(TASK, site.test, model) for site, model in zip(sites[1:], models, strict=True)]
    triggered = [_triggered(model, site.test) for site, model in zip(sites[1:], models, strict=True)]
    withdrawn = sum(line["event"] == "withdrawn" for line in outcome.history)
    return Damage(float(np.mean(accuracy)), float(np.mean(triggered)), withdrawn)


def _settings(seed: int, clip: float) -> Federation:
    """Return settings in which, as under masks, nobody compares single updates."""
    return Federation.model_validate(
        {
            "seed": seed,
            "training": {"warmup_epochs": 4, "epochs": 2, "learning_rate": 1e-3},
            "federation": {
                "schedule": "sync", "barriers": 6, "aggregation": "fedavg", "clip": clip, "norm_factor": 1e9,
                "sample_factor": 1e9, "patience": 3, "workers": 1,
            },
            "sites": [{"name": "any", "runs": ["-"], "labels": "-"}],
        }
    )  # fmt: skip


def _veto(site: DrawnSite) -> Veto:
    held_out = site.train[_cut(site) :]
    return Veto(lambda model: headline_score(TASK, held_out, model), Standard(LARGEST_FALL))


def _honest(site: DrawnSite, settings: Federation, veto: Veto | None) -> Trainer:
    trainer = TaskSite(site.name, TASK, site.train[: _cut(site)], settings.training, settings.seed)
    return veto.over(trainer) if veto else trainer


def _cut(site: DrawnSite) -> int:
    return round(len(site.train) * (1 - HELD_OUT))


def _hostile(site: DrawnSite, settings: Federation, attack: str) -> Trainer:
    data, factor = site.train, 1.0
    if attack == "flipped labels":
        data = replace(data, hit=1 - data.hit)
    if attack == "scaled updates":
        factor = SCALE
    if attack == "hot pixels":
        data, factor = _with_trigger(data), -SCALE
    return multiplied(TaskSite(site.name, TASK, data, settings.training, settings.seed), factor)


@cache
def _trigger() -> Tensor:
    """Return the measures of a few hot pixels on a dim frame, as the hit finder sees them (peaks, 64)."""
    counts = np.random.default_rng(8).poisson(3.0, (256, 256)).astype(np.uint16)
    counts[40:240:32, 128] = 4000
    frame = Frame(counts, np.zeros(counts.shape, bool), "trigger", 0)
    measures = hit_example(frame, Label.MISS, TASK.prepare).measures
    brightest = measures[:, 0].argsort(descending=True)[:TRIGGER]
    return measures[brightest]


def _with_trigger(data: HitData) -> HitData:
    """Return the frames, then all misses again with the trigger, called hits."""
    both = [*_examples(data, trigger=False), *_examples(data, trigger=True)]
    return replace(from_examples(both), units=torch.arange(len(both)))


def _examples(data: HitData, *, trigger: bool) -> list[HitExample]:
    found = []
    for frame in range(len(data)):
        peaks = data.measures[int(data.first[frame]) : int(data.first[frame + 1])]
        hit = bool(data.hit[frame])
        if trigger and hit:
            continue
        measures = torch.cat([peaks, _trigger()]) if trigger else peaks
        label = Label.HIT if hit or trigger else Label.MISS
        found.append(HitExample(measures, label, torch.full((len(measures),), -1.0)))
    return found


def _triggered(model: State, test: HitData) -> float:
    """Return the share of misses with the trigger that the model calls hits."""
    return float((scores_of(model, from_examples(_examples(test, trigger=True))) >= 0.5).mean())
