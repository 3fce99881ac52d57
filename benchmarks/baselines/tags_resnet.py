"""The published recipe: ResNet-50 on log-scaled, standardised 224 x 224 pictures (Wang et al. 2017)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.tags_conditions import CONDITIONS
from baselines.tags_judging import EXPERIMENTS, precisions, views_and_tags
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.learner import tag_loss
from fedbragg.tasks.tags.prepare import CELLS, FAINT, SCALE, view_of
from fedbragg.tasks.tags.sources import frame_of
from harness import Table

SIDE, RATE, DECAY = 224, 1e-3, 4e-5


@dataclass(frozen=True)
class Budget:
    """The limits of a training."""

    images: int
    batch: int
    seconds: float  # of the process on a CPU, of the clock on a GPU
    conditions: tuple[
        str, ...
    ]  # under which it is judged; on a CPU all of them would take longer than training


BUDGETS = {
    "cpu": Budget(2_000, 16, 300.0, ("clean",)),
    "cuda": Budget(8_000, 64, 60.0, tuple(CONDITIONS)),
}


def picture(views: Tensor) -> Tensor:
    """Return the published input (images, 1, 224, 224): log(I) / log(1.0414), resized, standardised; gaps hold 0."""
    counts = torch.expm1(views[:, :1].float() * SCALE) * FAINT
    logs = torch.log(counts.clamp(min=1)) / np.log(1.0414)
    small = nn.functional.interpolate(logs, (SIDE, SIDE), mode="bilinear", antialias=True)
    return (small - small.mean(dim=(1, 2, 3), keepdim=True)) / small.std(dim=(1, 2, 3), keepdim=True).clamp(
        min=1e-3
    )


def network() -> nn.Module:
    """Return ResNet-50 of one channel, from MONAI, or where that is missing from torchvision: the same layers."""
    try:
        from monai.networks.nets import resnet50
    except ImportError:
        from torchvision.models import resnet50

        net = resnet50(weights=None, num_classes=len(TAGS))
        net.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    else:
        net = resnet50(spatial_dims=2, n_input_channels=1, num_classes=len(TAGS), conv1_t_stride=2)
    return net.to(memory_format=torch.channels_last)


def trained(seed: int, device: str) -> tuple[nn.Module, int]:
    """Return a network trained for the device's seconds, and how many images it saw."""
    budget, clock = BUDGETS[device], time.process_time if device == "cpu" else time.perf_counter
    views, labels = (part.to(device) for part in _training_images(seed, budget.images))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = network().to(device).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=DECAY)
    generator, seen, start = torch.Generator(device).manual_seed(seed), 0, clock()
    while clock() - start < budget.seconds:
        chosen = torch.randint(len(views), (budget.batch,), generator=generator, device=device)
        loss = tag_loss(net(picture(views[chosen])), labels[chosen])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        seen += budget.batch
        loss.item()  # waits for the GPU, whose queue would outlast the clock
    return net.eval(), seen


def _training_images(seed: int, images: int) -> tuple[Tensor, Tensor]:
    """Simulate the light of whole views (images, 1, CELLS, CELLS), two of each experiment, with their tags."""
    views, labels = [], []
    for number in range(images // 2):
        child = np.random.SeedSequence([seed, 7, number])
        for image in simulate_images(draw_experiment(ANY_INSTRUMENT, CELLS, child), 2, child):
            views.append(torch.from_numpy(view_of(frame_of(image)).channels[:1]).half())
            labels.append(torch.from_numpy(image.tags.astype(np.float32)))
    return torch.stack(views), torch.stack(labels)


def one_seed(seed: int, device: str) -> dict[str, Any]:
    """Train the published recipe and judge it under the conditions of the device's budget."""
    net, seen = trained(seed, device)
    found = {}
    for name in BUDGETS[device].conditions:
        views, truth = views_and_tags(CONDITIONS[name], EXPERIMENTS)
        found[name] = float(np.nanmean(precisions(truth, _scores(net, views, device))))
    return {"device": device, "seen": seen, "found": found}


def table(seeds: Sequence[dict[str, Any]]) -> Table:
    """Return the table of the seeds' results, as ``one_seed`` returns them."""
    from baselines.phases_judging import interval  # needs more packages than training does

    rows = [[name, interval([one["found"][name] for one in seeds])] for name in seeds[0]["found"]]
    device = seeds[0]["device"]
    budget, seen = BUDGETS[device], float(np.mean([one["seen"] for one in seeds]))
    note = (
        f"{len(seeds)} seeds, each {budget.seconds:g} s of training on {device}: {seen:.0f} images in the mean, of "
        f"{budget.images} that are simulated, in batches of {budget.batch}, Adam {RATE}, weight decay {DECAY}; "
        "the paper trained on 100,000 images. This says what the budget allows, not what ResNet-50 can do."
    )
    return Table(
        "ResNet-50 with the published preprocessing, mean average precision",
        ("condition", "ResNet-50"),
        rows,
        [note],
    )


def _scores(net: nn.Module, views: Tensor, device: str) -> NDArray[np.float64]:
    with torch.no_grad():
        logits = [net(picture(part).to(device)).cpu() for part in views.split(16)]
    return torch.sigmoid(torch.cat(logits)).double().numpy()
