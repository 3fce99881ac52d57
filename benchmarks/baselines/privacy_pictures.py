"""Gradient inversion against Ke et al.'s network: which pictures come back from the gradient of one step.

The network is new, which favours the attack. Its input is 720 x 720 pixels and it has 7,500 numbers. A control with the
network and picture size of the DLG paper shows that the attacks find pictures where there are any to be found.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from baselines.networks import ke_network
from baselines.pictures import EDGE, KE_CROP, contrast_normalised, picture
from baselines.privacy_gradients import ATTACKS, Seen, gradient_of, statistics_of
from baselines.privacy_jobs import Job
from baselines.privacy_sites import POOL_HITS
from baselines.privacy_updates import BITS, SITES
from fedbragg.federation.quantise import dequantise, quantise
from fedbragg.files import write_whole
from fedbragg.simulation import simulate_run
from fedbragg.types import Frame, Label
from fedbragg.workflows.cores import number_of_threads
from fedbragg.workflows.facilities import SITES as FACILITIES
from fedbragg.workflows.facilities import beamline_of

COUNT = 64
"""Pictures of each facility."""
CONTROL = "control: small network, 32 x 32 pixels"
SUM = "secure: sum of five, 1 frame each"
SEEN = ("1 frame", f"1 frame, {BITS} bits", "1 frame, with BatchNorm's statistics", SUM)
MANY = ("a large step", "a large step, with BatchNorm's statistics")
BLOCK = 16  # pixels along a block of the coarse picture
BRIGHTEST = 100
COPIED = 0.1
"""Relative distance below which a frame counts as copied."""


@dataclass(frozen=True)
class Effort:
    """Where and how long to attack."""

    device: str = "cpu"
    steps: int = 1000
    frames: int = COUNT  # of the large step; fewer to try the script out


def picture_jobs(seed: int, folder: Path, effort: Effort) -> list[Job]:
    """Return the jobs of a seed: one for each attack on what is seen."""
    return [
        Job(f"picture {seed} {attack} {seen}", partial(attacked, seed, attack, seen, folder, effort))
        for seen in (CONTROL, *SEEN, *MANY)
        for attack in ATTACKS
        if "statistics" not in seen or attack != "DLG"  # DLG has no such term
    ]


def attacked(seed: int, attack: str, seen: str, folder: Path, effort: Effort) -> dict[str, float]:
    """Return the distance of an attack's pictures from the frames, and from others of the same sites."""
    torch.backends.cudnn.allow_tf32 = False  # its 10 bits would hide details of the gradient from the attack
    truth, labels, others = _frames(seed, seen, folder, effort)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = control_network() if seen == CONTROL else ke_network()
    network = network.to(effort.device).train()
    sites = labels.to(effort.device).split([1] * SITES if seen == SUM else [len(truth)])
    shown = _shown(network, truth.to(effort.device), sites, seen, seed)
    generator = torch.Generator().manual_seed(seed)
    made = ATTACKS[attack](network, shown, tuple(truth.shape), effort.steps, generator).cpu()
    pairs = paired(truth, made)
    return {**nearness(truth, pairs), **{f"other {k}": v for k, v in nearness(others, pairs).items()}}


def _frames(seed: int, seen: str, folder: Path, effort: Effort) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures (frames, 1, rows, cols) as the network takes them, labels (frames,), and other pictures."""
    count = effort.frames if seen in MANY else 1
    numbers = (7 * seed + np.arange(count + 1)) % COUNT
    pictures, labels, others = [], [], []
    for place in range(SITES) if seen == SUM else [seed % len(FACILITIES)]:
        full, known = facility_pictures(folder, place)
        normalised = [contrast_normalised(full[number]) for number in numbers]
        pictures += normalised[:-1]
        others += normalised[1:]
        labels += [int(known[number]) for number in numbers[:-1]]
    both = [torch.stack(pictures), torch.stack(others)]
    truth, other = (_reduced(each) for each in both) if seen == CONTROL else both
    return truth, torch.tensor(labels), other


def _reduced(pictures: Tensor) -> Tensor:
    """Return pictures of 32 x 32 pixels with mean 0 and spread 1."""
    small = nn.functional.adaptive_avg_pool2d(pictures, 32)
    return (small - small.mean()) / small.std()


def _shown(network: nn.Module, truth: Tensor, labels: tuple[Tensor, ...], seen: str, seed: int) -> Seen:
    parts = truth.split([len(one) for one in labels])
    each = [gradient_of(network, part, one) for part, one in zip(parts, labels, strict=True)]
    gradient = [torch.stack(same).mean(dim=0) for same in zip(*each, strict=True)]
    if f"{BITS} bits" in seen:
        draw = np.random.default_rng([seed, 17])
        gradient = [
            torch.from_numpy(dequantise(quantise(one.cpu().numpy(), BITS, draw)).astype(np.float32)).to(
                one.device
            )
            for one in gradient
        ]
    with torch.no_grad():
        statistics = statistics_of(network, truth) if "statistics" in seen else []
    return Seen(gradient, labels, statistics)


def control_network() -> nn.Sequential:
    """Return the network of the DLG paper for one colour, three answers and 32 x 32 pixels."""
    layers: list[nn.Module] = []
    for inputs, stride in ((1, 2), (12, 2), (12, 1)):
        layers += [nn.Conv2d(inputs, 12, 5, stride, padding=2), nn.Sigmoid()]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(12 * 8 * 8, 3))
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    return network


# How near


def paired(truth: Tensor, made: Tensor) -> Tensor:
    """Return made pictures (frames, 1, rows, cols) in the order that is most like the true ones, each once."""
    _, order = linear_sum_assignment(-_correlations(truth, made))
    return made[torch.from_numpy(order)]


def nearness(truth: Tensor, made: Tensor) -> dict[str, float]:
    """Compare pictures (frames, 1, rows, cols), the first with the first and so on; means over them."""
    apart = (truth - made).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)
    return {
        "correlation": float(np.diag(_correlations(truth, made)).mean()),
        "coarse": float(np.diag(_correlations(_coarse(truth), _coarse(made))).mean()),
        "brightest": float(np.mean([_bright(a, b) for a, b in zip(truth, made, strict=True)])),
        "copied": float((apart <= COPIED).double().mean()),
    }


def _correlations(one: Tensor, other: Tensor) -> NDArray[np.float64]:
    """Return Pearson's correlation of each picture with each, (frames, frames); 0 for a picture without contrast."""
    left, right = (
        nn.functional.normalize(x.flatten(1).double() - x.flatten(1).double().mean(dim=1, keepdim=True))
        for x in (one, other)
    )
    return (left @ right.T).numpy()


def _coarse(pictures: Tensor) -> Tensor:
    return nn.functional.avg_pool2d(pictures, min(BLOCK, pictures.shape[-1] // 8))


def _bright(truth: Tensor, made: Tensor) -> float:
    """Return the share of the brightest pixels that are among the brightest of the made picture."""
    brightest = [set(x.flatten().topk(BRIGHTEST).indices.tolist()) for x in (truth, made)]
    return len(brightest[0] & brightest[1]) / BRIGHTEST


# Pictures


@cache
def facility_pictures(folder: Path, place: int) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return the crops (COUNT, 720, 720) and labels (COUNT,) of a facility; simulate them if missing."""
    path = folder / f"pictures-{FACILITIES[place].name}.npz"
    if not path.exists():
        _simulate(path, place)
    with np.load(path) as file:
        return file["pictures"], file["labels"]


def _simulate(path: Path, place: int) -> None:
    start, crops, labels = (EDGE - KE_CROP) // 2, [], []
    beamline = beamline_of(replace(FACILITIES[place], hits=POOL_HITS))
    for index, still in enumerate(simulate_run(beamline, COUNT, 900 + place, number_of_threads(0))):
        full = picture(Frame(still.counts, still.mask, path.stem, index))
        crops.append(full[start : start + KE_CROP, start : start + KE_CROP])
        labels.append(list(Label).index(still.label))
    memory = io.BytesIO()
    np.savez(memory, pictures=np.stack(crops), labels=np.array(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, memory.getvalue())
