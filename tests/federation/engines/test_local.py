"""The local engine: same seed, same numbers; faults are recorded and do not end the federation."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from fedbragg.federation import RecordingSettings, federate


@pytest.mark.parametrize("schedule", ["sync", "async", "hybrid"])
def test_the_same_seed_gives_the_same_numbers_bit_for_bit(make_problem, settings, schedule) -> None:
    def run(workers: int):
        problem = make_problem()
        for site in problem.sites:
            site.train = slowed(
                site.train, np.random.default_rng()
            )  # threads finish in another order each time
        return federate(settings(schedule=schedule, workers=workers), problem.sites, problem.initial)

    def slowed(train, generator):
        def later(*arguments):
            time.sleep(generator.uniform(0, 0.003))
            return train(*arguments)

        return later

    first, second, alone = run(4), run(4), run(1)
    assert first.history == second.history == alone.history
    for name in first.model:
        assert np.array_equal(first.model[name], second.model[name])
        assert np.array_equal(first.model[name], alone.model[name])


@pytest.mark.parametrize("schedule", ["sync", "async", "hybrid"])
def test_sites_learn_together(problem, settings, schedule) -> None:
    outcome = federate(
        settings(schedule=schedule),
        problem.sites,
        problem.initial,
        recording=RecordingSettings(evaluate=problem.evaluate),
    )
    scores = [line["evaluation"]["accuracy"] for line in outcome.history if "evaluation" in line]
    assert scores[-1] > scores[0] + 0.3
    assert outcome.barriers == 5


def test_a_synchronous_round_is_the_weighted_mean_of_the_sites_models(problem, settings) -> None:
    outcome = federate(
        settings(schedule="sync", barriers=1, aggregation="fedavg"), problem.sites, problem.initial
    )
    frames = np.array([site.samples for site in problem.sites])
    updates = [site.train(problem.initial, 0, 3).tensors["weight"] for site in problem.sites]
    assert outcome.model["weight"] == pytest.approx(np.tensordot(frames / frames.sum(), updates, axes=1))


def test_warm_up_comes_first_and_only_once(problem, settings) -> None:
    federate(settings(schedule="hybrid", warmup=4, epochs=2), problem.sites, problem.initial)
    for site in problem.sites:
        assert [epochs for _, epochs in site.calls] == [4] + [2] * (len(site.calls) - 1)


def test_trainings_that_the_barrier_would_supersede_are_not_run(problem, settings) -> None:
    outcome = federate(settings(schedule="hybrid"), problem.sites, problem.initial)
    delivered = sum(line["event"] == "update" for line in outcome.history)
    assert sum(len(site.calls) for site in problem.sites) == delivered


def test_a_site_that_raises_is_reported_and_left_out(problem, settings) -> None:
    def broken(*_):
        raise ValueError("disk on fire")

    problem.sites[2].train = broken
    outcome = federate(settings(patience=2), problem.sites, problem.initial)
    failures = [line for line in outcome.history if line["event"] == "failed"]
    assert [line["site"] for line in failures] == ["site2", "site2"]
    assert failures[0]["reason"] == "ValueError: disk on fire"
    assert outcome.barriers == 5


def test_a_site_that_hangs_times_out(problem, settings) -> None:
    problem.sites[0].train = lambda *_: time.sleep(600)
    outcome = federate(settings(deadline=0.3, patience=1, workers=1), problem.sites, problem.initial)
    assert [line["site"] for line in outcome.history if line["event"] == "failed"] == ["site0"]
    assert outcome.barriers == 5


def test_a_federation_whose_sites_all_fail_ends(problem, settings) -> None:
    for site in problem.sites:
        site.train = lambda *_: 1 / 0
    outcome = federate(settings(), problem.sites, problem.initial)
    assert outcome.reason == "no site is left"
    assert outcome.barriers == 0


def test_a_finished_federation_is_returned_as_it_ended(problem, settings, tmp_path: Path) -> None:
    first = federate(
        settings(), problem.sites, problem.initial, recording=RecordingSettings(checkpoints=tmp_path)
    )
    trained = [len(site.calls) for site in problem.sites]
    again = federate(
        settings(), problem.sites, problem.initial, recording=RecordingSettings(checkpoints=tmp_path)
    )
    assert [len(site.calls) for site in problem.sites] == trained
    assert again.history == first.history
    assert np.array_equal(again.model["weight"], first.model["weight"])
