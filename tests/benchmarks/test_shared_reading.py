"""The virtual clock of shared reading agrees with what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baselines.shared_reading import SharedRun, simulated_seconds

RUN = SharedRun(frames=1200, bytes_a_frame=1e6, seconds_a_frame=0.01, cores=2, start=3.0, bandwidth=1e12)


def test_where_cores_limit_the_time_is_theirs() -> None:
    """Each of 3 nodes takes 2 of 6 shards of 200 frames: 3 s to start and 200 * 0.01 s / 2 to screen, twice."""
    assert simulated_seconds(RUN, 3, 6) == pytest.approx(2 * (3 + 1))


def test_where_the_file_system_limits_the_time_is_its_own() -> None:
    """1200 frames of 1 MB at 100 MB/s take 12 s, however many nodes there are; all start at the same time."""
    slow = replace(RUN, bandwidth=1e8)
    for nodes in (2, 4, 12):
        assert simulated_seconds(slow, nodes, nodes) == pytest.approx(3 + 12)


def test_the_last_shard_holds_the_others_up() -> None:
    """4 shards of 300 frames on 3 nodes: one node has two of them, each 3 s + 1.5 s."""
    assert simulated_seconds(RUN, 3, 4) == pytest.approx(2 * 4.5)
