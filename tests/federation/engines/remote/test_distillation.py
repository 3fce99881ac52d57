"""The program that teaches networks, as a real process, and what happens to a federation without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcessFederation, settings

from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.distillation import DistillationProcess, Round
from fedbragg.federation.engines.remote.service import FederationService

PROGRAM = str(Path(__file__).with_name("softmax_teacher.py"))
MODEL = {"one/w": np.arange(3.0), "two/w": np.array(2.0)}
TEACHERS = {"site.a": {"w": np.array(1.0)}, "site-b": {"w": np.array(10.0)}}
SITES = [{"name": "site0", "network": "one"}, {"name": "site1", "network": "two"}]


@contextmanager
def teaching(folder: Path, way: str, seconds: float = 30.0) -> Iterator[DistillationProcess]:
    process = DistillationProcess((sys.executable, PROGRAM, way), folder, seconds)
    try:
        yield process
    finally:
        process.close()


def test_every_barrier_is_taught_by_one_process(tmp_path: Path) -> None:
    with teaching(tmp_path, "adds") as process:
        taught = process(process(MODEL, TEACHERS), TEACHERS)
    np.testing.assert_array_equal(taught["one/w"], [22, 23, 24])
    assert taught["two/w"] == 24 and taught["two/w"].shape == ()


@pytest.mark.parametrize(
    ("way", "seconds", "reason"),
    [
        ("fails", 30.0, "could not be taught: ValueError: no frames"),
        ("ends", 30.0, "has ended \\(exit code 7\\)"),
        ("sleeps", 0.1, "were not taught within 0.1 s"),
    ],
)
def test_a_failure_says_why(tmp_path: Path, way: str, seconds: float, reason: str) -> None:
    with teaching(tmp_path, way, seconds) as process, pytest.raises(FederationError, match=reason):
        process(MODEL, TEACHERS)


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,8}\Z")


@given(
    st.dictionaries(NAMES, st.integers(), min_size=1),
    st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(), min_size=1)),
)
def test_a_rounds_tensors_keep_their_names(combined, teachers) -> None:
    found = Round.of(Round(combined, teachers).tensors())
    assert (found.combined, found.teachers) == (combined, teachers)


def test_a_server_without_the_program_refuses_different_networks(federation: InProcessFederation) -> None:
    service: FederationService = federation.service
    service.start({**settings(), "sites": SITES}, restart=True)
    status = federation.ended()
    assert status["state"] == "failed"
    assert status["problem"] == "this server cannot teach different networks; let all sites run one."


def test_the_program_ends_with_its_server(tmp_path: Path) -> None:
    with teaching(tmp_path, "adds") as process:
        running = process._process
        assert running.poll() is None
    assert running.poll() is not None
    with subprocess.Popen(
        [sys.executable, PROGRAM, "adds"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as alone:
        assert alone.stdin is not None
        alone.stdin.close()  # as when the server is killed
        assert alone.wait(20) == 0
