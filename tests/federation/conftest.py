"""Fixtures with a small real learning problem."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # driving.py, softmax.py and waiting.py are beside the tests

from softmax import Problem, federation_settings, skewed_problem

from fedbragg.config import Federation


@pytest.fixture
def problem() -> Problem:
    return skewed_problem()


@pytest.fixture
def make_problem() -> Callable[..., Problem]:
    return skewed_problem


@pytest.fixture
def settings() -> Callable[..., Federation]:
    return federation_settings
