from __future__ import annotations

import pytest

from fedbragg.metrics.agreement import cohens_kappa


def test_kappa_of_a_table_worked_by_hand() -> None:
    """20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.7, expected 0.5 x 0.6 + 0.5 x 0.4 = 0.5, kappa 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa(second, first) == pytest.approx(0.4)


def test_kappa_of_three_labels_worked_by_hand() -> None:
    """Agreement 4/6; by chance (2 x 3 + 2 x 2 + 2 x 1) / 36 = 1/3: (2/3 - 1/3) / (2/3) = 1/2."""
    assert cohens_kappa("hhmmxx", "hhmhmx") == pytest.approx(0.5)


def test_full_agreement_is_one_and_full_disagreement_is_below_zero() -> None:
    assert cohens_kappa("hmx", "hmx") == 1
    assert cohens_kappa("hx", "xh") == -1


@pytest.mark.parametrize("labels", ["", "hhh"])
def test_where_chance_alone_agrees_there_is_no_kappa(labels: str) -> None:
    assert cohens_kappa(labels, labels) is None
