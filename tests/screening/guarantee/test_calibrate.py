"""Calibration: the evidence is right, and a guarantee that too few hits can support is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from example_calibration import ORIGIN, calibration, labelled_frames
from scipy.stats import beta

from fedbragg.errors import LabelError
from fedbragg.screening.guarantee.calibrate import make_calibration
from fedbragg.screening.guarantee.demand import Counted, Demand, Guarantee
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames
from fedbragg.screening.guarantee.wording import promise_line
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.tasks.hits.model_file import ModelCard
from fedbragg.tasks.hits.prepare import PrepareSettings


def with_hits(hits: int, misses: int = 100) -> LabelledFrames:
    scores = np.concatenate([np.linspace(0.5, 1.0, hits), np.linspace(0.0, 0.6, misses)])
    hit = np.arange(hits + misses) < hits
    return LabelledFrames(scores, hit, np.full(hits + misses, 10.0), np.arange(hits + misses))


def test_the_evidence_is_that_of_the_frames() -> None:
    frames = with_hits(473)
    found = make_calibration(frames, Demand(), ORIGIN)
    promise = found.promise
    assert (promise.hits, promise.units, promise.misses) == (473, 473, 100)
    assert promise.lost == 1  # one of 473 may be lost: (1 - 1 %)^473 + 473 * 1 % * (1 - 1 %)^472 < 5 %
    assert found.raw_threshold == pytest.approx(0.5 + 0.5 / 472)
    assert promise.bound == pytest.approx(beta.ppf(0.95, 2, 472), abs=1e-9)
    assert promise.discarded == np.sum(frames.score[~frames.hit] < found.raw_threshold)
    assert found.hit_share == pytest.approx(473 / 573)
    assert found.origin == ORIGIN


def test_the_score_map_does_not_change_which_frames_are_kept() -> None:
    frames = labelled_frames(2000, 3)
    found = make_calibration(frames, Demand(), ORIGIN)
    mapped = np.array([found.score_map(score) for score in frames.score])
    np.testing.assert_array_equal(
        mapped >= found.score_map(found.raw_threshold), frames.score >= found.raw_threshold
    )


def test_a_threshold_at_saturated_scores_keeps_them_all() -> None:
    """Nine hits in ten at 1.0: the threshold may reach 1.0, and a frame at 1.0 is kept."""
    frames = with_hits(400)
    score = frames.score.copy()
    score[:400] = np.where(np.arange(400) % 10, 1.0, 0.97)
    found = make_calibration(replace(frames, score=score), Demand(max_loss=0.2), ORIGIN)
    assert found.raw_threshold == 1.0
    assert found.promise.lost == 40  # fewer than the binomial test allows
    assert found.score_map(1.0) >= found.score_map(found.raw_threshold)


@pytest.mark.parametrize(
    ("hits", "demand", "message"),
    [
        (
            298,
            Demand(),
            "298 labelled hits are too few for at most 1 % of hits lost with 95 % confidence: 299 are needed",
        ),
        (298, Demand(), "--max-loss 0.0101 is in reach"),
        (58, Demand(max_loss=0.05), "59 are needed"),
        (0, Demand(), "0 labelled hits are too few"),
        (98, Demand(guarantee=Guarantee.EXPECTED), "at most 1 % of hits lost on average: 99 are needed"),
        (500, Demand(counted=Counted.FILE), "5 files with labelled hits are too few"),
    ],
)
def test_too_few_hits_are_refused_with_the_number_needed(hits: int, demand: Demand, message: str) -> None:
    frames = with_hits(hits)
    if demand.counted is Counted.FILE:
        frames = replace(frames, group=np.arange(len(frames.hit)) // 100)
    with pytest.raises(LabelError) as caught:
        make_calibration(frames, demand, ORIGIN)
    assert message in str(caught.value)


def test_the_loss_named_as_in_reach_is_in_reach() -> None:
    make_calibration(with_hits(298), Demand(max_loss=0.0101), ORIGIN)


def test_too_few_misses_are_refused() -> None:
    with pytest.raises(LabelError, match="0 labelled misses are too few: 10 are needed"):
        make_calibration(with_hits(400, 0), Demand(), ORIGIN)


def test_groups_are_counted_as_the_independent_units() -> None:
    frames = with_hits(600, 60)
    found = make_calibration(
        replace(frames, group=np.arange(660) // 2), Demand(counted=Counted.GROUP), ORIGIN
    )
    assert (found.promise.units, found.promise.hits, found.promise.counted) == (300, 600, "group")
    assert found.promise.lost == 0


def test_a_calibration_is_read_back_from_the_model_card() -> None:
    card = ModelCard("hits", "spotnet", PrepareSettings(), 0.3, {"seed": 1}, calibration())
    text = card.to_json()
    assert json.loads(text)["format"] == 3
    assert ModelCard.from_json(text) == card
    assert isinstance(ModelCard.from_json(text).calibration, Calibration)


def test_a_card_without_calibration_says_so_and_cards_of_older_formats_are_read() -> None:
    card = ModelCard("hits", "spotnet", PrepareSettings(), 0.3)
    values = json.loads(card.to_json())
    assert values["calibration"] is None
    del values["calibration"]
    assert ModelCard.from_json(json.dumps(values | {"format": 1})) == card
    calibrated = replace(card, calibration=calibration())
    older = json.loads(calibrated.to_json()) | {"format": 2}
    assert ModelCard.from_json(json.dumps(older)) == calibrated


def test_the_same_frames_give_the_same_card() -> None:
    assert calibration() == calibration()


def test_the_promise_holds_at_its_threshold_and_not_above() -> None:
    found = calibration()
    card = ModelCard("hits", "spotnet", PrepareSettings(), found.score_map(found.raw_threshold), {}, found)
    at, above = promise_line(card, card.threshold), promise_line(card, card.threshold + 0.01)
    assert at.startswith("at most 1 % of hits lost, with 95 % confidence (")
    assert "frames drawn as those were" in at
    assert promise_line(card, 0.0) == at  # a lower threshold keeps more
    assert above.startswith("none: at this threshold")
    assert promise_line(replace(card, calibration=None), 0.5).startswith("none: the model is not calibrated")
