"""Views with a ring whose place, radius and lobes are known."""

import torch

from fedbragg.tasks.tags.halve import READ


def lit(
    beam: tuple[float, float], *, radius: float = 0.5, lobes: int = 0, turned: float = 0.0
) -> torch.Tensor:
    """Return a view (1, 4, READ, READ) with a ring about the beam, all in halves of the view."""
    at = (torch.arange(READ) + 0.5) * 2 / READ - 1
    x, y = at[None, :] - beam[0], at[:, None] - beam[1]
    light = torch.exp(-0.5 * ((torch.hypot(x, y) - radius) / 0.03) ** 2)
    if lobes:
        light = light * (1 + 0.8 * torch.cos(lobes * (torch.atan2(y, x) - turned)))
    nothing = torch.zeros_like(light)
    return torch.stack([light, torch.ones_like(light), nothing, nothing])[None]
