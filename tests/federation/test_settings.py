"""Settings that contradict each other are refused where they are read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("rules", "remedy"),
    [
        ({"aggregation": "median", "schedule": "async"}, "take hybrid or sync"),
        ({"aggregation": "fedboost"}, 'set schedule = "sync"'),
        ({"aggregation": "fedprox"}, "set proximal_mu"),
        ({"noise": 1.0}, "set clip too"),
    ],
)
def test_rules_that_do_not_fit_are_refused_with_a_remedy(settings, rules: dict, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        settings(**rules)
