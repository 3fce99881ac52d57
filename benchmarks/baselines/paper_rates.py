"""The learning rate of each network, with either kind of normalisation: the best of four on validation frames, pooled.

A seed of its own draws the frames, so the same frames may test with another seed; four numbers leave little to overfit.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from baselines.paper_arms import PaperArm, PaperRun, weighted_loss
from baselines.paper_crops import CropLearner
from baselines.paper_partitions import Indices, split
from fedbragg.files import write_whole

RATES = (0.003, 0.01, 0.03, 0.1)
SEED = 0
PATIENCE = 150.0
"""Seconds that a process waits for rates that others are trying; after that the best of those known is taken."""
UNKNOWN = 0.01
"""The rate where none is known by then."""
POLL = 0.5


def rate_path(folder: Path, network: str, group_norm: bool, rate: float) -> Path:
    return folder / f"{network}-{'group' if group_norm else 'batch'}-{rate:g}.json"


def try_rate(learner: CropLearner, labels: Indices, barriers: int, path: Path) -> None:
    """Train with the learner's rate and write the loss on validation frames."""
    parts = split(labels, "random", SEED)
    run = PaperRun(learner, parts, PaperArm("pooled", pooled=True), SEED, barriers)
    [model], history = run.trained(learner.start(SEED), {"all": parts.pooled})
    frames = parts.all_validation
    positive = learner.positive[frames]
    loss = weighted_loss(learner.logits(model, frames), positive, float(positive.mean()))
    failed = any(line["event"] in ("failed", "rejected") for line in history)
    write_whole(
        path, json.dumps({"rate": learner.rate, "loss": None if failed or not np.isfinite(loss) else loss})
    )


def chosen_rate(folder: Path, network: str, group_norm: bool) -> float:
    """Return the rate of lowest validation loss, once all are known."""
    paths = [rate_path(folder, network, group_norm, rate) for rate in RATES]
    end = time.time() + PATIENCE
    while not all(path.exists() for path in paths) and time.time() < end:
        time.sleep(POLL)
    known = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    losses = {one["rate"]: one["loss"] for one in known if one["loss"] is not None}
    return min(losses, key=lambda rate: losses[rate]) if losses else UNKNOWN
