"""FedKL's and FedDisco's weights against worked examples."""

from __future__ import annotations

from math import log2

import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.label_balance import divergence, feddisco, fedkl, label_entropy
from fedbragg.federation.rules.weights import Profile

SETTINGS = FederationSettings(disco_slope=0.5, disco_offset=0.1)


def binary(samples: int, positive: int) -> Profile:
    return Profile(samples, ((samples - positive, positive),))


def test_fedkl_gives_the_weights_worked_by_hand() -> None:
    # theta = 1/2, 1/4, 1/10 of n = 100, 300, 600. Entropies in bits: 1; 2 - 3/4 log2 3; log2 10 - 9/10 log2 9.
    entropies = [1.0, 2 - 0.75 * log2(3), log2(10) - 0.9 * log2(9)]
    assert entropies == pytest.approx([1.0, 0.811278, 0.468996], abs=1e-6)
    weights = fedkl([binary(100, 50), binary(300, 75), binary(600, 60)], SETTINGS)
    # omega = W / 2.280274; (p + omega) / 2 with p = 0.1, 0.3, 0.6
    assert weights == pytest.approx([0.269272, 0.327890, 0.402838], abs=1e-6)


def test_entropy_of_several_classes_is_divided_by_log2_of_their_number() -> None:
    assert label_entropy(((5, 5, 5, 5),)) == pytest.approx(1.0)
    assert label_entropy(((5, 5, 0, 0),)) == pytest.approx(0.5)


def test_entropy_of_several_questions_is_their_mean() -> None:
    assert label_entropy(((5, 5), (10, 0))) == pytest.approx(0.5)


def test_a_question_that_a_site_does_not_annotate_is_left_out_of_its_mean() -> None:
    assert label_entropy(((5, 5), (0, 0), (10, 0))) == pytest.approx(0.5)
    assert divergence(((5, 5), (0, 0), (10, 0))) == pytest.approx(0.5)


def test_a_site_without_any_label_counts_as_unbalanced() -> None:
    assert label_entropy(((0, 0), (0, 0))) == 0.0
    assert divergence(((0, 0), (0, 0))) == pytest.approx(1.0)


def test_fedkl_without_any_entropy_weighs_balance_equally() -> None:
    # Every site has one class only: W = 0 everywhere, so omega = 1/2 each and weights = (p + 1/2) / 2.
    assert fedkl([binary(100, 0), binary(300, 300)], SETTINGS) == pytest.approx([0.375, 0.625])


def test_feddisco_gives_the_weights_worked_by_hand() -> None:
    # Two classes: divergence from uniform = 1 - entropy = 0, 0.188722, 0.531004 bits; as shares 0, 0.262214,
    # 0.737786. p - d / 2 + 0.1 = 0.2, 0.268893, 0.331107; their sum is 0.8.
    profiles = [Profile(100, ((50, 50),)), Profile(300, ((225, 75),)), Profile(600, ((540, 60),))]
    assert feddisco(profiles, SETTINGS) == pytest.approx([0.25, 0.336116, 0.413884], abs=1e-6)


def test_feddisco_drops_a_small_site_whose_labels_are_all_alike() -> None:
    weights = feddisco([Profile(10, ((10, 0),)), Profile(990, ((495, 495),))], SETTINGS)
    assert weights == pytest.approx([0.0, 1.0])  # 0.01 - 0.5 + 0.1 is below zero
