"""Gradient inversion finds a picture where the gradient holds one, and says so."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.networks import ke_network
from baselines.privacy_gradients import ATTACKS, Seen, gradient_of, statistics_of
from baselines.privacy_jobs import Job, results
from baselines.privacy_pictures import control_network, nearness, paired

RANDOM = torch.Generator().manual_seed(4)


@pytest.mark.parametrize(("attack", "steps", "least"), [("DLG", 300, 0.8), ("inverting gradients", 400, 0.8)])
def test_a_picture_comes_back_from_the_gradient_of_a_network_with_more_numbers_than_pixels(
    attack: str, steps: int, least: float
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = control_network()
    truth = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([1])
    seen = Seen(gradient_of(network, truth, labels), [labels])
    made = ATTACKS[attack](network, seen, (1, 1, 32, 32), steps, torch.Generator().manual_seed(1))
    assert nearness(truth, made)["correlation"] > least


def test_the_statistics_are_those_that_batchnorm_keeps() -> None:
    """The first layer's running mean after one step is a tenth of the batch's mean, on the way from 0."""
    network = ke_network().train()
    pictures = torch.rand(2, 1, 720, 720, generator=RANDOM)
    (mean, variance), *_ = statistics_of(network, pictures)
    np.testing.assert_allclose(network[1].running_mean, 0.1 * mean.detach(), rtol=1e-5)
    count = 2 * 360 * 360
    unbiased = variance.detach() * count / (count - 1)
    np.testing.assert_allclose(network[1].running_var, 0.9 + 0.1 * unbiased, rtol=1e-5)


def test_a_picture_is_compared_with_the_one_that_it_is_like() -> None:
    truth = torch.rand(5, 1, 64, 64, generator=RANDOM)
    found = nearness(truth, paired(truth, truth[[3, 1, 4, 0, 2]]))
    assert found == pytest.approx({"correlation": 1, "coarse": 1, "brightest": 1, "copied": 1})
    found = nearness(truth, paired(truth, torch.rand(5, 1, 64, 64, generator=RANDOM)))
    assert found["copied"] == 0
    assert abs(found["correlation"]) < 0.05


def work(folder: Path, number: int) -> dict[str, int]:
    (folder / f"{number}.ran").touch(exist_ok=False)
    if number == 1 and not (folder / "mended").exists():
        raise RuntimeError("no memory")
    return {"number": number}


def test_jobs_that_have_a_result_are_not_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [Job(f"job's {n}", partial(work, tmp_path, n)) for n in range(3)]
    with pytest.raises(SystemExit, match='1 of 3 jobs have no result, the first "job\'s 1"'):
        results(jobs, tmp_path / "kept", 1)
    assert "job's 1: RuntimeError: no memory" in capsys.readouterr().err
    (tmp_path / "mended").touch()
    (tmp_path / "1.ran").unlink()
    assert results(jobs, tmp_path / "kept", 1) == [{"number": n} for n in range(3)]
    assert json.loads((tmp_path / "kept" / "job-s-2.json").read_text()) == {"number": 2}
