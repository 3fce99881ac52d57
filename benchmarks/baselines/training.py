"""Train the networks: classes drawn equally often, until the CPU seconds are spent."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from baselines.networks import Baseline
from baselines.pictures import Picture
from baselines.simulated import Simulated
from fedbragg.tasks.hits.learner import pretrain, whole_frame_of
from fedbragg.tasks.hits.model_file import ModelCard, save_model
from fedbragg.tasks.hits.prepare import PrepareSettings

BATCH = 16
SEED = 7
EPOCHS = 150
"""As many as the packaged model's; fewer where they do not fit the budget."""


@dataclass(frozen=True)
class Spent:
    """The cost of a training."""

    parameters: int
    seconds: float  # CPU seconds of one thread
    frames: int  # seen, counting each as often as it was shown


def trained(
    baseline: Baseline, simulated: Simulated, seconds: float, folder: Path
) -> tuple[nn.Module, Spent]:
    """Return a network trained on simulated frames, or the one trained before with the same budget."""
    weights = folder / f"{baseline.name.replace(' ', '-')}-{seconds:g}s.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = baseline.build()
    if weights.exists():
        network.load_state_dict(load_file(weights))
        return network.eval(), Spent(**json.loads(weights.with_suffix(".json").read_text(encoding="utf-8")))
    spent = _train(network, baseline, simulated, seconds)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, weights)
    weights.with_suffix(".json").write_text(json.dumps(asdict(spent)), encoding="utf-8")
    return network.eval(), spent


def _train(network: nn.Module, baseline: Baseline, simulated: Simulated, seconds: float) -> Spent:
    generator = np.random.default_rng(SEED)
    classes = [simulated.training_frames(labels) for labels in baseline.classes]
    optimiser = baseline.optimiser(network.parameters())
    rate, steps, start = optimiser.param_groups[0]["lr"], 0, time.process_time()
    network.train()
    while (used := (time.process_time() - start) / seconds) < 1:
        optimiser.param_groups[0]["lr"] = rate * baseline.decay**used
        targets = generator.integers(len(classes), size=BATCH)
        chosen = [int(generator.choice(classes[target])) for target in targets]
        inputs = torch.stack([baseline.to_train(simulated.pictures[i], generator) for i in chosen])
        nn.functional.cross_entropy(network(inputs), torch.from_numpy(targets)).backward()
        optimiser.step()
        optimiser.zero_grad()
        steps += 1
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Spent(parameters, round(time.process_time() - start, 1), steps * BATCH)


def score(network: nn.Module, baseline: Baseline, full: Picture) -> float:
    """Return the probability of hit or maybe."""
    with torch.no_grad():
        return float(1 - torch.softmax(network(baseline.to_judge(full)[None]), dim=1)[0, -1])


def trained_spotnet(simulated: Simulated, seconds: float, folder: Path) -> tuple[Path, Spent]:
    """Train our own network on the same frames within the same budget; return its model file."""
    path = folder / f"spotnet-{seconds:g}s.onnx"
    if path.exists():
        return path, Spent(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    data = simulated.training_peaks()
    ends: list[float] = []
    pretrain(data, 3, SEED, lambda _=None: ends.append(time.process_time()))
    epochs = max(1, min(EPOCHS, int(2 * seconds / (ends[-1] - ends[0]))))  # the first epoch warms up
    start = time.process_time()
    state = pretrain(data, epochs, SEED)
    parameters = sum(array.size for array in state.values())
    spent = Spent(parameters, round(time.process_time() - start, 1), epochs * len(data))
    card = ModelCard("hits", "spotnet", PrepareSettings(), 0.5, {"made_by": "benchmarks/real.py"})
    save_model(path, whole_frame_of(state), card, state)
    path.with_suffix(".json").write_text(json.dumps(asdict(spent)), encoding="utf-8")
    return path, spent
