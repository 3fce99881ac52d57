"""Adam moves as torch's class does, bit for bit, and does not import torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from fedbragg.learn.adam import Adam


@pytest.mark.parametrize("steps", [1, 20])
def test_it_moves_as_torchs_class_does(steps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    ours = [torch.randn(3, 4, generator=generator, requires_grad=True) for _ in range(3)]
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    optimiser, peer = Adam(ours), torch.optim.Adam(theirs)
    for step in range(steps):
        peer.param_groups[0]["lr"] = rate = 0.1 / (1 + step)
        for k in range(3):
            gradient = torch.randn(3, 4, generator=generator)
            if k < 2 or step % 3 == 0:  # one has a gradient now and then only
                ours[k].grad, theirs[k].grad = gradient.clone(), gradient.clone()
        optimiser.step(rate)
        peer.step()
        peer.zero_grad()
        assert all(x.grad is None for x in ours)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_first_step_is_the_learning_rate_against_the_gradients_sign() -> None:
    """At the first step the corrected moments are g and g squared (Kingma and Ba 2015, algorithm 1)."""
    x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    x.grad = torch.tensor([0.5, -7.0, 1e-3])
    Adam([x]).step(0.1)
    torch.testing.assert_close(x.detach(), torch.tensor([0.9, -1.9, 2.9]), rtol=0, atol=1e-5)


def test_training_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys, torch\n"
        "from fedbragg.learn.adam import Adam\n"
        "x = torch.ones(2, requires_grad=True)\n"
        "(x ** 2).sum().backward()\n"
        "torch.nn.utils.clip_grad_norm_([x], 1.0)\n"
        "Adam([x]).step(0.1)\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
