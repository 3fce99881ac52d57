"""The tests that the documentation names as proof exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_test_that_a_page_names_exists() -> None:
    text = (ROOT / "docs/explanations/who-learns-what.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 15
    assert {name for name in named if f"def {name}(" not in source} == set()
