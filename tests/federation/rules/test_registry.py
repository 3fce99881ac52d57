"""A rule is one row: one from outside runs like any other, and nothing outside rules/ knows a rule's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import fedbragg
from fedbragg.errors import ConfigError
from fedbragg.federation import Rule, federate, register
from fedbragg.federation.rules import RULES, registered

SOURCE = Path(fedbragg.__file__).parent


@pytest.fixture(autouse=True)
def _restore_rules() -> Iterator[None]:
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)


def best_site_only(profiles, settings):
    sizes = np.array([profile.samples for profile in profiles])
    return (sizes == sizes.max()) / np.sum(sizes == sizes.max())


def test_a_rule_from_outside_runs_a_federation(problem, settings) -> None:
    register("largest", Rule(weights=best_site_only, schedules=frozenset({"sync"})))
    outcome = federate(
        settings(aggregation="largest", schedule="sync", barriers=1), problem.sites, problem.initial
    )
    largest = max(problem.sites, key=lambda site: site.samples)
    alone = largest.train(problem.initial, 0, 3).tensors["weight"]
    assert np.array_equal(outcome.model["weight"], problem.initial["weight"] + alone)


def test_a_rule_from_outside_may_combine_in_its_own_way(problem, settings) -> None:
    register("still", Rule(combine=lambda start, steps, weights, settings: dict(start)))
    outcome = federate(settings(aggregation="still", schedule="sync"), problem.sites, problem.initial)
    assert np.array_equal(outcome.model["weight"], problem.initial["weight"])


@pytest.mark.parametrize("schedule", ["async", "hybrid"])
def test_a_rule_from_outside_is_held_to_its_schedules(problem, settings, schedule: str) -> None:
    register("largest", Rule(weights=best_site_only, schedules=frozenset({"sync"})))
    with pytest.raises(ConfigError, match='set schedule = "sync"'):
        federate(settings(aggregation="largest", schedule=schedule), problem.sites, problem.initial)


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="already an aggregation rule 'fedavg'; choose another name"):
        register("fedavg", Rule())


def test_a_rule_for_a_block_is_gone_after_it_even_after_an_error() -> None:
    with registered("largest", Rule(weights=best_site_only)) as name, pytest.raises(ConfigError):
        assert name in RULES
        register("largest", Rule())
    assert "largest" not in RULES
    with pytest.raises(ZeroDivisionError), registered("largest", Rule()):
        1 / 0  # noqa: B018
    assert "largest" not in RULES


def test_no_module_outside_rules_compares_a_rule_name() -> None:
    outside = [path for path in SOURCE.rglob("*.py") if "rules" not in path.relative_to(SOURCE).parts]
    assert len(outside) > 100
    found = [f"{path}:{line}" for path in outside for line in comparisons(ast.parse(path.read_text()))]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        'settings.aggregation == "krum"',
        '"fedpaq" != rule',
        'rule in ("median", "krum")',
        'ROBUST = ("median", "krum")',
        'match rule:\n    case "median" | "krum":\n        pass',
    ],
)
def test_such_a_comparison_would_be_found(code: str) -> None:
    assert list(comparisons(ast.parse(code))) == [1 if not code.startswith("match") else 2] * (
        2 if "in (" in code or "|" in code else 1
    )


def comparisons(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that compare something with a rule's name, or collect several rules' names."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=right):
                if any(names_in(side) for side in (left, *right)):
                    yield node.lineno
            case ast.MatchValue(value=value):
                if names_in(value):
                    yield node.lineno
            case ast.Tuple() | ast.List() | ast.Set():
                if len(names_in(node)) > 1:
                    yield node.lineno


def names_in(node: ast.AST) -> list[str]:
    return [
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in RULES
    ]
