"""Calibration of phases: each phase its own map, stored in the model card."""

import numpy as np
import pytest

from fedbragg.metrics.beta_calibration import ScoreMap
from fedbragg.tasks.phases.calibration import calibrated, fit_calibration
from fedbragg.tasks.phases.metrics import reliability_facts
from fedbragg.tasks.phases.model_card import PhaseCard, PhaseLines

LINES = tuple(PhaseLines(name, np.array([1.0, 2.0]), np.array([1.0, 0.5])) for name in ("a", "b"))


def scores_and_labels(patterns: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two phases, the first a probability, the second's log odds twice too large."""
    generator = np.random.default_rng(0)
    true = generator.uniform(0.02, 0.98, (patterns, 2))
    labels = (generator.uniform(size=true.shape) < true).astype(float)
    odds = np.log(true / (1 - true)) * [1, 2]
    return 1 / (1 + np.exp(-odds)), labels


def test_each_phase_is_calibrated_by_its_own_map() -> None:
    """The true maps are the identity, and the square root of the odds."""
    scores, labels = scores_and_labels(20_000)
    first, second = fit_calibration(labels, scores)
    for score in (0.1, 0.3, 0.5, 0.7, 0.9):
        root = (score / (1 - score)) ** 0.5
        assert first(score) == pytest.approx(score, abs=0.02)
        assert second(score) == pytest.approx(root / (1 + root), abs=0.02)


def test_unknown_labels_do_not_count() -> None:
    scores, labels = scores_and_labels(2_000)
    known = fit_calibration(labels[:1_000], scores[:1_000])
    labels[1_000:] = -1
    assert fit_calibration(labels, scores) == known


def test_a_phase_with_one_answer_keeps_its_scores() -> None:
    scores, labels = scores_and_labels(100)
    labels[:, 1] = 1
    _, second = fit_calibration(labels, scores)
    assert calibrated((second, second), scores) == pytest.approx(scores)


def test_probabilities_follow_the_formula_and_without_maps_stay() -> None:
    """Odds of 0.8 are 4; with a = b = 1/2 they become 2, so the probability 2/3; c = ln 3 makes 1/2 into 3/4."""
    maps = (ScoreMap(0.5, 0.5, 0.0), ScoreMap(1.0, 1.0, np.log(3)))
    assert calibrated(maps, np.array([0.8, 0.5])) == pytest.approx([2 / 3, 0.75])
    assert calibrated(maps, np.array([[0.8, 0.5], [0.5, 0.8]])).shape == (2, 2)
    assert calibrated((), np.array([0.8, 0.5])).tolist() == [0.8, 0.5]


def test_the_card_keeps_the_calibration_and_older_cards_have_none() -> None:
    maps = (ScoreMap(0.5, 0.25, -0.125), ScoreMap(1.0, 1.0, 0.0))
    text = PhaseCard(LINES, 0.56, calibration=maps).to_json()
    assert PhaseCard.from_json(text).calibration == maps
    older = PhaseCard(LINES, 0.56).to_json().replace(', "calibration": []', "")
    assert "calibration" not in older
    assert PhaseCard.from_json(older).calibration == ()


def test_a_card_with_too_few_calibrations_is_refused() -> None:
    text = PhaseCard(LINES, 0.56, calibration=(ScoreMap(1.0, 1.0, 0.0),)).to_json()
    with pytest.raises(ValueError, match="1 calibrations for 2 phases"):
        PhaseCard.from_json(text)


def test_reliability_is_the_mean_over_the_phases_that_have_labels() -> None:
    """Two certain answers, one wrong: Brier 1/2; a phase at 0.8 that is always shown: 0.04."""
    labels = np.array([[1.0, 1.0, -1.0], [0.0, 1.0, -1.0]])
    probabilities = np.array([[1.0, 0.8, 0.3], [1.0, 0.8, 0.3]])
    facts = dict(reliability_facts(labels, probabilities))
    assert facts == {"Brier score": "0.270", "calibration error": "0.350"}
