"""FedKL's table: who gets which frames, the search for the best weights, FedBN's models, crops, and shifted logits."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from math import comb, log
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from baselines import paper_networks, paper_workshop
from baselines.paper_arms import ARMS, BatchNormSite, PaperArm, PaperRun, weighted_loss
from baselines.paper_blocks import Block, Job, builds
from baselines.paper_crops import CropLearner, Crops, drawn, epoch
from baselines.paper_frames import PaperFrames, first_of_each, shrunk
from baselines.paper_jobs import claim, claim_path, clear_claims, run_workers, work_through
from baselines.paper_networks import replace_batch_norm
from baselines.paper_partitions import LABELS, PARTITIONS, SKEWED, Split, split
from baselines.paper_peaks import PeakLearner
from baselines.paper_rates import RATES, chosen_rate, rate_path
from baselines.paper_tables import metrics_of, prior_shift, tables
from baselines.paper_weights import best_convex, grid, moves
from fedbragg.federation.rules import RULES
from fedbragg.learn.settings import LocalTerms
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.types import Label
from fedkl_paper import in_order

HIT, MAYBE, MISS = (LABELS.index(label) for label in (Label.HIT, Label.MAYBE, Label.MISS))


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    listed = np.repeat([HIT, MAYBE, MISS], [148, 498, 1354])
    return np.random.default_rng(0).permutation(listed)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_test_set_has_the_papers_labels_and_no_frame_is_used_twice(
    labels: np.ndarray, partition: str
) -> None:
    parts = split(labels, partition, 3)
    assert np.bincount(labels[parts.test], minlength=3)[[HIT, MAYBE, MISS]].tolist() == [66, 144, 190]
    every = np.concatenate([parts.test, parts.pooled, parts.all_validation])
    assert sorted(every) == list(range(2000))
    assert len(parts.all_validation) == pytest.approx(320, abs=5)


def test_skewed_sites_have_2_to_80_percent_positive_frames(labels: np.ndarray) -> None:
    parts = split(labels, "skewed", 1)
    sites = [np.concatenate(both) for both in zip(parts.train, parts.validation, strict=True)]
    assert [(len(site), int((labels[site] != MISS).sum())) for site in sites] == list(SKEWED)
    shares = [round(positive / frames, 2) for frames, positive in SKEWED]
    assert shares == [0.02, 0.10, 0.30, 0.50, 0.80]
    # 2,000 frames less the 400 of the test, and 646 positive ones less its 210.
    assert np.sum(SKEWED, axis=0).tolist() == [1600, 436]


def test_random_sites_are_alike_and_dirichlet_sites_are_not(labels: np.ndarray) -> None:
    def shares(partition: str) -> np.ndarray:
        return np.array([(labels[part] != MISS).mean() for part in split(labels, partition, 2).train])

    assert np.ptp(shares("random")) < 0.15
    assert np.ptp(shares("dirichlet-0.1")) > 0.3


def test_validation_frames_are_stratified(labels: np.ndarray) -> None:
    parts = split(labels, "skewed", 5)
    held = [int((labels[part] != MISS).sum()) for part in parts.validation]
    assert held == [round(0.2 * positive) for _, positive in SKEWED]


def test_the_first_frames_of_each_label_are_taken_in_order() -> None:
    found = first_of_each(np.array([MISS, HIT, MISS, MAYBE, HIT]), {Label.HIT: 1, Label.MISS: 2})
    assert found.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="2 of 3 frames with label hit"):
        first_of_each(np.array([HIT, HIT]), {Label.HIT: 3})


def test_shrinking_takes_means() -> None:
    windows = np.array([[[0, 2, 10, 10], [4, 6, 10, 11], [0, 0, 0, 0], [0, 1, 0, 255]]], dtype=np.uint8)
    assert shrunk(windows, 2)[0].tolist() == [[3, 10], [0, 64]]


# Weights


@pytest.mark.parametrize("parts", [1, 3])
def test_the_grid_holds_every_way_to_share_the_parts(parts: int) -> None:
    found = np.array(list(grid(5, parts)))
    assert len(found) == comb(parts + 4, 4)
    assert len(np.unique(found, axis=0)) == len(found)
    assert np.allclose(found.sum(axis=1), 1) and found.min() >= 0


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=5).filter(lambda w: sum(w) > 0.1),
    st.sampled_from([0.05, 0.15]),
)
def test_moves_stay_on_the_simplex(amounts: list[float], size: float) -> None:
    weights = np.array(amounts) / sum(amounts)
    for moved in moves(weights, size):
        assert moved.min() >= -1e-12 and moved.sum() == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=4))
def test_the_search_comes_near_the_lowest_point_of_a_bowl(amounts: list[float]) -> None:
    target = np.array(amounts) / sum(amounts)
    found = best_convex(lambda w: float(np.square(w - target).sum()), len(target))
    assert np.abs(found - target).max() <= 0.05  # the size of the smallest move


def test_named_weights_are_tried_and_a_loss_that_is_no_number_never_wins() -> None:
    named = np.array([0.42, 0.58])
    found = best_convex(lambda w: 0.0 if np.allclose(w, named) else float("nan"), 2, [named])
    assert np.allclose(found, named)


def test_the_loss_counts_classes_by_the_test_sets_share() -> None:
    logits, positive = np.array([0.0, 0.0, 0.0, 2.0]), np.array([False, False, False, True])
    expected = 0.25 * np.log1p(np.exp(-2.0)) + 0.75 * log(2)
    assert weighted_loss(logits, positive, 0.25) == pytest.approx(expected)


# Networks and crops


@pytest.fixture(scope="module")
def frames() -> PaperFrames:
    generator = np.random.default_rng(4)
    listed = np.resize([HIT, MISS], 80)
    windows = generator.integers(0, 20, (80, 24, 24)).astype(np.uint8)
    windows[listed == HIT, 6:18:3, 6:18:3] = 250  # spots
    return PaperFrames(windows, listed, 16)  # crops of 20 pixels


def small_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture
def learner(frames: PaperFrames, monkeypatch: pytest.MonkeyPatch) -> CropLearner:
    monkeypatch.setitem(paper_networks.NETWORKS, "small", small_network)
    return CropLearner("small", False, Crops.of(frames, "cpu"), 0.03)


def test_a_crop_is_a_shifted_mirrored_or_transposed_part_of_the_window(frames: PaperFrames) -> None:
    crops = Crops.of(frames, "cpu")
    assert (crops.crop, crops.reach) == (20, 2)
    changes = torch.tensor(
        [[0, 0, 0, 0, 0], [1, -2, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    )
    found = crops(torch.full((5,), 7), changes)[:, 0] * crops.deviation + crops.mean
    window = frames.windows[7].astype(np.float32)
    centre = window[2:22, 2:22]
    wanted = [centre, window[3:23, 0:20], centre[::-1], centre[:, ::-1], centre.T]
    assert np.allclose(found.numpy(), np.stack(wanted), atol=1e-3)


def test_shifts_reach_as_far_as_the_window() -> None:
    changes = drawn(500, 2, torch.Generator().manual_seed(1))
    assert (changes[:, :2].min(), changes[:, :2].max()) == (-2, 2)
    assert set(changes[:, 2:].flatten().tolist()) == {0, 1}


def test_balanced_sampling_draws_both_classes_alike() -> None:
    positive = np.arange(1000) < 20
    order = epoch(positive, True, torch.Generator().manual_seed(2))
    assert len(order) == 1000
    assert positive[order].mean() == pytest.approx(0.5, abs=0.06)
    plain = epoch(positive, False, torch.Generator().manual_seed(2))
    assert sorted(plain.tolist()) == list(range(1000))


def test_batches_have_one_size_and_every_frame_comes_once_an_epoch(learner: CropLearner) -> None:
    site = learner.site("a", np.arange(40, 80), ARMS[0], 1, LocalTerms())
    batches = list(site.batches(4, torch.Generator().manual_seed(1)))
    assert [len(frames) for frames, _ in batches] == [32] * 5
    seen = torch.cat([frames for frames, _ in batches])
    assert sorted(seen[:40].tolist()) == sorted(seen[40:80].tolist()) == list(range(40, 80))
    small = learner.site("b", np.arange(5), ARMS[0], 1, LocalTerms())
    assert [len(frames) for frames, _ in small.batches(2, torch.Generator())] == [10]


def test_frames_are_judged_alike_in_any_company(learner: CropLearner) -> None:
    start = learner.start(2)
    assert np.allclose(
        learner.logits(start, np.arange(3)), learner.logits(start, np.arange(80))[:3], atol=1e-5
    )


def test_group_norm_takes_the_place_of_every_batch_norm() -> None:
    network = nn.Sequential(small_network(), nn.BatchNorm2d(48))
    replace_batch_norm(network)
    kinds = [type(module) for module in network.modules()]
    assert nn.BatchNorm2d not in kinds
    groups = [m.num_groups for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert groups == [4, 16]  # the greatest common divisor with 32


def a_split() -> Split:
    half = np.arange(80)
    return Split((half[:20], half[20:40]), (half[40:50], half[50:60]), half[60:])


def test_a_small_network_learns_to_see_spots_in_every_arm(learner: CropLearner) -> None:
    for arm in (ARMS[0], next(arm for arm in ARMS if arm.name == "best weights")):
        result = PaperRun(learner, a_split(), arm, 1, 2).result()
        assert result["problems"] == []
        assert metrics_of(result)["AUC"] > 0.9
        assert all(sum(w.values()) == pytest.approx(1) for w in result["weights"])
        assert arm.name not in RULES, "the search for the best weights is a rule for its own arm alone"


def test_fedbn_gives_each_site_its_own_batch_norm_and_the_same_other_tensors(learner: CropLearner) -> None:
    run = PaperRun(learner, a_split(), PaperArm("FedBN", own_batch_norm=True), 1, 1)
    group = {"a": a_split().train[0], "b": a_split().train[1]}
    first, second = run.trained(learner.start(1), group)[0]
    different = {name for name in first if not np.array_equal(first[name], second[name])}
    assert different <= {"1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert {"1.weight", "1.running_mean"} <= different


def test_a_site_of_peaks_has_no_batch_norm_of_its_own_and_one_of_crops_has(learner: CropLearner) -> None:
    generator = torch.Generator().manual_seed(1)
    first = 4 * torch.arange(41)
    measures, hits = torch.randn(160, MEASURES, generator=generator), (torch.arange(40) % 2).float()
    peaks = PeakLearner(HitData(measures, first, hits, torch.full((160,), -1.0)))
    site = peaks.site("a", np.arange(40), ARMS[0], 1, LocalTerms())
    assert not isinstance(site, BatchNormSite)
    assert isinstance(learner.site("a", np.arange(40), ARMS[0], 1, LocalTerms()), BatchNormSite)
    run = PaperRun(peaks, a_split(), PaperArm("FedAvg by size"), 1, 1)
    models, history = run.trained(peaks.start(1), {"a": np.arange(20), "b": np.arange(20, 40)})
    assert [set(model) for model in models] == [set(peaks.start(1))]
    assert {line["site"] for line in history if line["event"] == "update"} == {"a", "b"}


def test_mixed_logits_are_those_of_the_combined_model(learner: CropLearner) -> None:
    start, generator = learner.start(3), np.random.default_rng(1)
    steps = [
        {n: (0.1 * generator.random(t.shape)).astype(t.dtype) for n, t in start.items()} for _ in range(2)
    ]
    model = {n: (t + 0.3 * steps[0][n] + 0.7 * steps[1][n]).astype(t.dtype) for n, t in start.items()}
    frames = np.arange(10)
    found = learner.mixed_logits(start, steps, frames)(np.array([0.3, 0.7]))
    assert np.allclose(found, learner.logits(model, frames), atol=1e-5)


def test_a_process_tries_rates_and_writes_results_of_which_tables_are_made(
    tmp_path: Path, labels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(paper_networks.NETWORKS, "small", small_network)
    monkeypatch.setattr(paper_workshop, "SHRUNK", 40)  # crops of 8 pixels
    for name in ("frames", "rates", "runs"):
        (tmp_path / name).mkdir()
    windows = np.where(labels == MISS, 0, 90)[:, None, None] + np.random.default_rng(2).integers(
        60, size=(2000, 10, 10)
    )
    np.savez(tmp_path / "frames" / "frames-40.npz", windows=windows.astype(np.uint8), labels=labels)
    workshop = paper_workshop.Workshop(tmp_path, "cpu", 1)
    for rate in RATES:
        workshop.try_rate("small", False, rate)
    job = Job(Block("small", "random"), ARMS[0], 1)
    workshop.train(job)
    result = json.loads((workshop.runs / f"{job.name}.json").read_text())
    assert (result["crop"], result["rate"]) == (8, chosen_rate(workshop.rates, "small", False))
    assert len(result["logits"]) == 1 and len(result["logits"][0]) == len(result["positive"]) == 400
    assert metrics_of(result)["AUC"] > 0.9


# Tables and jobs


def test_the_prior_shift_is_the_difference_of_log_odds() -> None:
    # 210 of 400 in the test set, 436 of 1,600 in training.
    assert prior_shift([[1000, 236], [600, 200]]) == pytest.approx(log(210 / 190) - log(436 / 1164))


def test_metrics_are_means_over_the_models_of_a_run() -> None:
    result = {
        "positive": [1, 1, 0, 0],
        "logits": [[1, 1, -2, -2], [-2, -2, -2, -0.5]],
        "sites": [[1600, 436]],
    }
    found = metrics_of(result)
    assert found["accuracy"] == pytest.approx((1 + 0.5) / 2)
    assert found["recall"] == pytest.approx(0.5)
    # Shifted by 1.08 the second model takes the last frame, a miss, for a hit.
    assert found["accuracy, logits shifted"] == pytest.approx((1 + 0.25) / 2)


def test_a_job_is_done_once_whoever_claims_it(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(3)]
    paths[0].write_text("finished before")
    assert claim(paths[1])  # by another process
    done: list[str] = []
    work_through({path: partial(done.append, path.name) for path in paths}, until=float("inf"))
    assert done == ["2.json"]
    work_through({tmp_path / "late.json": partial(done.append, "late")}, until=0.0)
    assert done == ["2.json"]


def test_no_job_begins_that_would_end_too_late_going_by_the_longest(tmp_path: Path) -> None:
    slow = {tmp_path / "slow": partial(time.sleep, 0.6), tmp_path / "next": (tmp_path / "next").touch}
    work_through(slow, until=time.time() + 1.0)
    assert not (tmp_path / "next").exists()


def test_a_job_that_raises_is_passed_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    jobs = {tmp_path / "wrong": partial(int, "no number"), tmp_path / "right": partial(done.append, "right")}
    assert work_through(jobs, until=float("inf")) == 1
    assert done == ["right"]
    assert "wrong failed" in capfd.readouterr().err


def test_only_claims_of_ended_processes_are_removed(tmp_path: Path) -> None:
    mine, left = tmp_path / "mine", tmp_path / "left"
    assert claim(mine)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    claim_path(left).write_text(str(ended.pid))
    clear_claims(tmp_path)
    assert not claim(mine)
    assert claim(left)


def test_workers_that_fail_are_counted_and_late_ones_are_ended(tmp_path: Path) -> None:
    started = time.time()
    assert run_workers(["-c", "raise SystemExit(3)"], 2, started + 60) == 2
    assert run_workers(["-c", "import time; time.sleep(60)"], 1, time.time() + 0.2) == 0
    assert time.time() - started < 50


def test_rates_are_tried_before_the_runs_that_need_them() -> None:
    tried = {Path(name): print for name in ("A-batch-0.1.json", "B-batch-0.1.json", "B-group-0.1.json")}
    runs = {Path(name): print for name in ("A-skewed-FedKL-1.json", "B-x.json", "spotnet-x.json")}
    order = [path.name for path in in_order(tried, runs)]
    assert order == [
        *("A-batch-0.1.json", "A-skewed-FedKL-1.json"),
        *("B-batch-0.1.json", "B-group-0.1.json", "B-x.json"),
        "spotnet-x.json",
    ]


def test_networks_on_crops_alone_need_a_rate() -> None:
    assert builds(["ResNet18-random", "spotnet-random"]) == [("ResNet18", False)]
    assert builds(["ResNet18-skewed"]) == [("ResNet18", False), ("ResNet18", True)]


def test_the_rate_of_lowest_loss_is_chosen(tmp_path: Path) -> None:
    losses = {0.003: 0.6, 0.01: 0.4, 0.03: 0.5, 0.1: None}  # the last diverged
    for rate, loss in losses.items():
        rate_path(tmp_path, "Net", True, rate).write_text(json.dumps({"rate": rate, "loss": loss}))
    assert chosen_rate(tmp_path, "Net", True) == 0.01


def test_tables_hold_every_arm_that_ran_and_name_what_is_missing() -> None:
    generator, positive = np.random.default_rng(1), [1] * 210 + [0] * 190
    results = [
        {
            **{"network": "ResNet18", "partition": "skewed", "arm": arm, "seed": seed, "positive": positive},
            **{"logits": [(generator.normal(size=400) + quality * np.array(positive)).tolist()]},
            **{"sites": [[1600, 436]], "problems": [], "device": "none", "crop": 160, "rate": 0.01},
            **{"barriers": 5, "seconds": 1.0},
        }
        for arm, quality, seeds in (("FedAvg by size", 0.5, 5), ("FedKL", 3.0, 3))
        for seed in range(seeds)
    ]
    causes, block, physics = tables(results)
    assert [row[0] for row in block.rows] == ["FedAvg by size", "FedKL"]
    assert [row[-1] for row in block.rows] == [5, 3]
    assert "FedKL (3 of 5 seeds)" in block.notes[0] and "pooled (0 of 5 seeds)" in block.notes[0]
    gain = causes.rows[0][2]
    assert isinstance(gain, str) and gain.startswith("+0.")
    assert physics.rows == []
