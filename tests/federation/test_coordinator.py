"""The coordinator's commands for sequences of events, checked one by one."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from driving import Driver, coordinator, of_kind, update

from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.events import (
    Abandon,
    DeadlinePassed,
    Finish,
    ModelChanged,
    Reject,
    SaveCheckpoint,
    SendModel,
    SetDeadline,
    SiteFailed,
    SiteJoined,
    SiteLeft,
    Started,
    UpdateArrived,
)
from fedbragg.styles import split_styles


def test_a_stale_update_is_damped() -> None:
    driver = Driver(coordinator(2, schedule="async")).start()
    slow = driver.sent["s1"]
    for _ in range(3):
        driver.handle(UpdateArrived(update(driver.sent["s0"])))
    commands = driver.handle(UpdateArrived(update(slow)))
    change = of_kind(commands, ModelChanged)[0]
    assert change.weights == {"s1": pytest.approx(1 / np.sqrt(1 + 3))}  # FedBuff: 1 / sqrt(1 + staleness)


def test_a_hybrid_barrier_averages_every_sites_newest_model_and_drops_running_work() -> None:
    driver = Driver(coordinator(2, schedule="hybrid")).start()
    slow = driver.sent["s1"]
    driver.handle(UpdateArrived(update(driver.sent["s0"], 1.0)))  # 0 -> 1
    driver.handle(UpdateArrived(update(driver.sent["s0"], 0.5)))  # the site's own model: 1 + 0.5
    running = driver.sent["s0"]
    driver.handle(UpdateArrived(update(slow, 0.9)))
    assert driver.newest.at_barrier
    assert driver.newest.model["w"] == pytest.approx((1.5 + 0.9) / 2)
    late = driver.handle(UpdateArrived(update(running, 5.0)))
    assert of_kind(late, Reject)[0].reason == "late: a barrier has passed"
    assert driver.coordinator.versions.newest["w"] == pytest.approx(1.2)


def test_counters_are_averaged_and_stay_integers() -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    for site in ("s0", "s1"):
        driver.handle(UpdateArrived(update(driver.sent[site])))
    assert driver.newest.model["count"] == 2
    assert driver.newest.model["count"].dtype == np.int64


def test_a_deadline_drops_the_late_site_until_it_reports() -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    slow = driver.sent["s1"]
    driver.handle(UpdateArrived(update(driver.sent["s0"])))
    commands = driver.handle(DeadlinePassed(0))
    assert of_kind(commands, Abandon)[0].site == "s1"
    assert driver.newest.weights == {"s0": 1.0}
    assert {c.site for c in of_kind(commands, SendModel)} == {"s0", "s1"}  # tried again after the barrier
    newest = driver.sent["s1"]
    assert of_kind(driver.handle(UpdateArrived(update(slow))), Reject)
    assert not of_kind(driver.handle(UpdateArrived(update(newest))), Reject)


def test_a_site_that_fails_too_often_is_left_out_until_it_joins_again() -> None:
    driver = Driver(coordinator(2, schedule="sync", patience=2)).start()
    for _ in range(2):
        driver.handle(SiteFailed("s1", "no memory"))
        commands = driver.handle(UpdateArrived(update(driver.sent["s0"])))
    assert {c.site for c in of_kind(commands, SendModel)} == {"s0"}
    back = driver.handle(SiteJoined("s1"))
    assert [c.site for c in of_kind(back, SendModel)] == ["s1"]


def test_a_failure_of_superseded_work_is_ignored() -> None:
    driver = Driver(coordinator(2, schedule="hybrid")).start()
    driver.handle(UpdateArrived(update(driver.sent["s0"])))
    running = driver.sent["s0"]
    driver.handle(UpdateArrived(update(driver.sent["s1"])))
    assert driver.newest.at_barrier
    driver.handle(SiteFailed("s0", "stopped", running.version))
    assert not of_kind(driver.handle(UpdateArrived(update(driver.sent["s0"]))), Reject)


def test_it_ends_when_the_loss_no_longer_falls() -> None:
    driver = Driver(coordinator(1, schedule="sync", stop_threshold=0.05)).start()
    for loss, over in ((1.0, False), (0.5, False), (0.47, True)):
        commands = driver.handle(UpdateArrived(update(driver.sent["s0"], loss=loss)))
        assert bool(of_kind(commands, Finish)) is over
    assert "less than 0.05" in of_kind(commands, Finish)[0].reason


def test_without_sites_one_more_deadline_is_set_and_then_it_ends() -> None:
    driver = Driver(coordinator(1)).start()
    assert of_kind(driver.handle(SiteLeft("s0", "power cut")), SetDeadline)
    assert of_kind(driver.handle(DeadlinePassed(0)), Finish)[0].reason == "no site is left"


def test_a_site_that_never_joins_is_awaited_until_the_deadline() -> None:
    driver = Driver(coordinator(2, schedule="sync"))
    driver.handle(Started())
    driver.handle(SiteJoined("s0"))
    driver.handle(UpdateArrived(update(driver.sent["s0"])))
    assert driver.newest is None
    driver.handle(DeadlinePassed(0))
    assert driver.newest.weights == {"s0": 1.0}


def test_fedbuff_steps_once_its_buffer_is_full() -> None:
    driver = Driver(coordinator(3, schedule="async", aggregation="fedbuff", buffer=2)).start()
    driver.handle(UpdateArrived(update(driver.sent["s0"], 1.0)))
    assert driver.newest is None
    driver.handle(UpdateArrived(update(driver.sent["s1"], 0.5)))
    assert driver.newest.model["w"] == pytest.approx((1.0 + 0.5) / 2)  # neither is stale


def test_fedasync_mixes_models_not_differences() -> None:
    driver = Driver(coordinator(2, schedule="async", aggregation="fedasync", mixing=0.6)).start()
    slow = driver.sent["s1"]
    driver.handle(UpdateArrived(update(driver.sent["s0"], 1.0)))
    assert driver.newest.model["w"] == pytest.approx(0.6)
    driver.handle(UpdateArrived(update(slow, 1.0)))
    share = 0.6 / np.sqrt(2)  # one step old
    assert driver.newest.model["w"] == pytest.approx((1 - share) * 0.6 + share * 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tensors": {"w": np.array([1.0, np.inf]), "count": np.array(1)}}, "not finite"),
        ({"tensors": {"w": np.ones(3), "count": np.array(1)}}, r"shape \(3,\)"),
        ({"tensors": {"w": np.ones(2)}}, "missing"),
        ({"tensors": {"w": np.ones(2), "count": np.array(1), "more": np.ones(2)}}, "unknown"),
        ({"tensors": {"w": np.array(["a", "b"]), "count": np.array(1)}}, "real numbers"),
        ({"loss": np.nan}, "loss is nan"),
        ({"samples": 0}, "claims 0 frames"),
        ({"label_counts": ((5, -1),)}, "label counts"),
        ({"label_counts": ((2**40, 2**40),)}, "label counts"),  # no picture has so many pixels
        ({"style": {"statistics": np.zeros(5000, np.float32)}}, "at most 4096"),
        ({"style": {"statistics": np.zeros(5)}}, "not an array of float32"),
    ],
)
def test_a_wrong_update_is_refused_with_the_reason(change: dict, reason: str) -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    commands = driver.handle(UpdateArrived(replace(update(driver.sent["s0"]), **change)))
    assert re.search(reason, of_kind(commands, Reject)[0].reason)


def test_an_update_far_longer_than_the_others_is_refused_even_if_it_came_first() -> None:
    driver = Driver(coordinator(3, schedule="sync")).start()
    driver.handle(UpdateArrived(update(driver.sent["s0"], 100.0)))  # nothing to compare with yet
    driver.handle(UpdateArrived(update(driver.sent["s1"], 1.0)))
    commands = driver.handle(UpdateArrived(update(driver.sent["s2"], 2.0)))
    assert [c.site for c in of_kind(commands, Reject)] == ["s0"]
    assert driver.newest.model["w"] == pytest.approx(1.5)


STYLE = {"statistics": np.array([[1.0, np.nan]], np.float32)}


def test_a_style_reaches_the_other_sites_with_the_next_model() -> None:
    driver = Driver(coordinator(3, schedule="sync")).start()
    assert set(driver.sent["s1"].model) == {"w", "count"}
    for site in ("s0", "s1", "s2"):
        style = STYLE if site == "s0" else {}  # the others refuse to share theirs
        driver.handle(UpdateArrived(replace(update(driver.sent[site]), style=style)))
    assert set(driver.sent["s0"].model) == {"w", "count"}
    for site in ("s1", "s2"):
        weights, (style,) = split_styles(driver.sent[site].model)
        assert set(weights) == {"w", "count"}
        np.testing.assert_array_equal(style["statistics"], STYLE["statistics"])
    assert set(driver.newest.model) == {"w", "count"}


def test_styles_outlive_a_restart() -> None:
    first = Driver(coordinator(2, schedule="sync")).start()
    for site in ("s0", "s1"):
        commands = first.handle(UpdateArrived(replace(update(first.sent[site]), style=STYLE)))
    record = json.loads(json.dumps(of_kind(commands, SaveCheckpoint)[0].record))
    second = Driver(Coordinator(first.coordinator.plan, [], first.newest.model, record)).start()
    for driver in (first, second):
        (style,) = split_styles(driver.sent["s1"].model)[1]
        np.testing.assert_array_equal(style["statistics"], STYLE["statistics"])


def test_a_federation_resumes_from_a_checkpoint_alone() -> None:
    first = Driver(coordinator(2, schedule="sync")).start()
    first.handle(UpdateArrived(update(first.sent["s0"], 1.0)))
    saved = of_kind(first.handle(UpdateArrived(update(first.sent["s1"], 2.0))), SaveCheckpoint)[0]
    second = Driver(Coordinator(first.coordinator.plan, [], saved.model, saved.record)).start()
    assert {s: c.version for s, c in second.sent.items()} == {s: c.version for s, c in first.sent.items()}
    assert all(command.epochs == 5 for command in second.sent.values())  # no second warm-up
    for driver in (first, second):
        driver.handle(UpdateArrived(update(driver.sent["s0"], 1.0)))
        driver.handle(UpdateArrived(update(driver.sent["s1"], -1.5)))
    assert np.array_equal(first.newest.model["w"], second.newest.model["w"])
