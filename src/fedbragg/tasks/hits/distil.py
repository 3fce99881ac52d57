"""Train a network of hit finding towards the answers of others on public frames (FedDF, Lin et al. 2020)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fedbragg.learn.settings import FitSettings
from fedbragg.progress import Progress
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, frame_logits, train
from fedbragg.tasks.hits.network import HitNetwork
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.sources import PublicSet, public_frames

OTHER_FRAMES = 1 << 20
"""Added to the federation's seed: these frames are not those that the start models were trained on."""


def frames_to_teach(frames: int, seed: int, settings: PrepareSettings, progress: Progress) -> HitData:
    """Simulate public frames of many detectors with every artefact: sites know of troubles that others never saw."""
    every = PublicSet(artefacts=tuple(ARTEFACTS))
    return public_frames(frames, seed + OTHER_FRAMES, settings, progress, every)


def logits_of_answers(network: HitNetwork, data: HitData) -> NDArray[np.float64]:
    """Return the logits of miss and hit (frames, 2); their softmax is the score, so that of a miss is 0."""
    hits: NDArray[np.float64] = frame_logits(network, data).double().numpy()
    return np.stack([np.zeros_like(hits), hits], axis=1)


def distilled(
    network: HitNetwork, data: HitData, targets: NDArray[Any], epochs: int, seed: int
) -> dict[str, NDArray[Any]]:
    """Return the state after training towards probabilities of miss and hit (frames, 2).

    Neither the labels nor the true spots of the frames take part: with the spots the networks forgot what they had
    learnt at the sites.
    """
    taught = replace(data, hit=torch.from_numpy(targets[:, 1]).to(data.hit))
    fitting = FitSettings(epochs, annealed=True)  # the paper's Adam, 1e-3 falling over the steps
    return train(HitProblem(network, taught, spot_share=0.0), fitting, seed)[0]
