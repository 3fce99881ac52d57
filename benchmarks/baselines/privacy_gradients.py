"""Rebuild pictures from the gradient that a network's loss has at them.

Two attacks: DLG (Zhu et al., NeurIPS 2019) makes the squared difference of the gradients small by L-BFGS. Inverting
gradients (Geiping et al., NeurIPS 2020) makes the angle between them small by Adam on signs, with a penalty on the
picture's variation, and may also fit the mean and variance that BatchNorm reveals (Yin et al., CVPR 2021). Both are
given the true labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Gradient = Sequence[Tensor]
VARIATION = 1e-4
"""Weight of the total variation in inverting gradients; the paper has 1e-1 to 1e-6 by data set."""
STATISTICS = 1e-2
"""Weight of BatchNorm's statistics; 1e-3 to 1e-1 in the paper's code."""
RATE = 0.1  # of Adam, divided by 10 at 3/8, 5/8 and 7/8 of the steps, as in the paper


@dataclass(frozen=True)
class Seen:
    """The data that an attacker sees of one step of training."""

    gradient: Gradient  # in the order of the network's parameters
    labels: Sequence[Tensor]  # (frames,) of each site in the sum
    statistics: Sequence[tuple[Tensor, Tensor]] = ()  # mean and variance of each BatchNorm's input


def gradient_of(network: nn.Module, pictures: Tensor, labels: Tensor, *, attacked: bool = False) -> Gradient:
    """Return the gradient of the mean cross-entropy; ``attacked`` keeps it differentiable."""
    loss = nn.functional.cross_entropy(network(pictures), labels)
    return torch.autograd.grad(loss, list(network.parameters()), create_graph=attacked)


def statistics_of(network: nn.Module, pictures: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return mean and variance of each BatchNorm's input; they follow exactly from a site's running statistics."""
    entered: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm2d)
    ]
    network(pictures)
    for hook in hooks:
        hook.remove()
    return [(x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)) for x in entered]


Attack = Callable[[nn.Module, Seen, tuple[int, ...], int, torch.Generator], Tensor]
"""Take the network, the seen data, the shape (frames, 1, rows, cols), steps, and random numbers; return pictures."""


def dlg(
    network: nn.Module, seen: Seen, shape: tuple[int, ...], steps: int, generator: torch.Generator
) -> Tensor:
    """Rebuild by DLG; of all steps the one whose gradient is nearest counts."""
    device = seen.gradient[0].device
    made = torch.randn(shape, generator=generator).to(device).requires_grad_()
    optimiser = torch.optim.LBFGS([made], max_iter=20, history_size=20, line_search_fn="strong_wolfe")
    best, nearest = made.detach().clone(), float("inf")

    def distance() -> Tensor:
        found = _of_all_sites(network, made, seen)
        apart = torch.stack([((a - b) ** 2).sum() for a, b in zip(found, seen.gradient, strict=True)]).sum()
        (made.grad,) = torch.autograd.grad(apart, [made])
        return apart.detach()

    for _ in range(max(1, steps // 20)):
        apart = float(optimiser.step(distance))
        if not torch.isfinite(made).all():
            break
        if apart < nearest:
            best, nearest = made.detach().clone(), apart
    return best


def inverted(
    network: nn.Module, seen: Seen, shape: tuple[int, ...], steps: int, generator: torch.Generator
) -> Tensor:
    """Rebuild by inverting gradients, with BatchNorm's statistics where they were seen."""
    device = seen.gradient[0].device
    made = torch.randn(shape, generator=generator).to(device).requires_grad_()
    optimiser = torch.optim.Adam([made], lr=RATE)
    falls = [round(steps * part) for part in (3 / 8, 5 / 8, 7 / 8)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, falls, 0.1)
    for _ in range(steps):
        found = _of_all_sites(network, made, seen)
        cost = _angle(found, seen.gradient) + VARIATION * _variation(made)
        if seen.statistics:
            cost = cost + STATISTICS * _apart(statistics_of(network, made), seen.statistics)
        (gradient,) = torch.autograd.grad(cost, [made])
        made.grad = gradient.sign()
        optimiser.step()
        schedule.step()
    return made.detach()


ATTACKS: dict[str, Attack] = {"DLG": dlg, "inverting gradients": inverted}


def _of_all_sites(network: nn.Module, pictures: Tensor, seen: Seen) -> Gradient:
    """Return the mean of the gradients that sites with so many pictures each would send."""
    parts = pictures.split([len(labels) for labels in seen.labels])
    each = [
        gradient_of(network, part, labels, attacked=True)
        for part, labels in zip(parts, seen.labels, strict=True)
    ]
    return [torch.stack(same).mean(dim=0) for same in zip(*each, strict=True)]


def _angle(found: Gradient, wanted: Gradient) -> Tensor:
    """Return 1 - cosine of the angle between two gradients."""
    product = sum((a * b).sum() for a, b in zip(found, wanted, strict=True))
    lengths = [sum((a**2).sum() for a in one) for one in (found, wanted)]
    return 1 - product / (lengths[0] * lengths[1]).clamp(min=1e-30).sqrt()


def _variation(pictures: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels."""
    down, right = pictures.diff(dim=2), pictures.diff(dim=3)
    return down.abs().mean() + right.abs().mean()


def _apart(found: Sequence[tuple[Tensor, Tensor]], wanted: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the Euclidean distance of means and variances, summed over layers."""
    return torch.stack(
        [
            (a - b).norm()
            for one, other in zip(found, wanted, strict=True)
            for a, b in zip(one, other, strict=True)
        ]
    ).sum()
