"""Shards on nodes that come, go, refuse and lose: each shard is screened once, and never two on a node."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.errors import ClusterError
from fedbragg.screening.shards.assignment import LOSSES, PATIENCE, REST, Assignment


def test_each_node_gets_one_shard_at_a_time_in_order() -> None:
    shards = Assignment([1, 2, 3])
    assert shards.take(["a", "b"], 0) == [("a", 1), ("b", 2)]
    assert shards.take(["a", "b"], 1) == []
    assert shards.finish("b") == 2
    assert shards.take(["a", "b"], 2) == [("b", 3)]
    assert (shards.finish("a"), shards.finish("b")) == (1, 3)
    assert shards.over


def test_a_lost_shard_is_next_and_its_node_rests_longer_each_time() -> None:
    shards = Assignment([1, 2])
    shards.take(["a"], 0)
    assert shards.lose("a", "its process died", 10) == 1
    assert shards.take(["a"], 10 + REST - 0.1) == []
    assert shards.take(["a"], 10 + REST) == [("a", 1)]
    shards.lose("a", "its process died", 20)
    assert shards.take(["a"], 20 + 2 * REST - 0.1) == []
    assert shards.take(["a", "b"], 20 + REST) == [("b", 1)]


def test_a_node_that_finished_a_shard_has_lost_none_in_a_row() -> None:
    shards = Assignment([1, 2])
    shards.take(["a"], 0)
    shards.lose("a", "its process died", 0)
    shards.take(["a"], REST)
    shards.finish("a")
    shards.take(["a"], REST)
    shards.lose("a", "its process died", 100)
    assert shards.take(["a"], 100 + REST) == [("a", 2)]


def test_a_shard_that_ends_every_process_is_given_up_with_the_last_reason() -> None:
    shards = Assignment([7])
    for number in range(LOSSES):
        shards.take(["a"], 1000 * number)
        shards.lose("a", "its process died", 1000 * number)
    shards.take(["a"], 9000)
    with pytest.raises(ClusterError, match=r"shard 7 was lost 4 times.* Last: its memory was full\."):
        shards.lose("a", "its memory was full", 9000)


def test_a_node_that_refuses_gets_no_shard_and_when_all_do_the_reason_is_given() -> None:
    shards = Assignment([1, 2])
    shards.take(["a", "b"], 0)
    assert shards.refuse("a", "OUT is not there") == 1
    assert shards.finish("b") == 2
    assert shards.take(["a", "b"], 1) == [("b", 1)]
    shards.refuse("b", "the disk is full")
    with pytest.raises(ClusterError, match="the disk is full"):
        shards.take(["a", "b"], 2)


def test_a_cluster_without_nodes_is_waited_for_a_minute() -> None:
    shards = Assignment([1])
    assert shards.take([], 5) == []
    assert shards.take([], 5 + PATIENCE) == []
    with pytest.raises(ClusterError, match="no node of the cluster is running"):
        shards.take([], 5.1 + PATIENCE)


@given(
    shards=st.integers(0, 9),
    events=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("fla")), max_size=60),
)
def test_whatever_happens_each_shard_is_finished_once_and_no_node_has_two(
    shards: int, events: list[tuple[str, str]]
) -> None:
    """``f`` finishes and ``l`` loses the shard of a node; ``a`` has the node leave, or come back."""
    assignment, finished, alive = Assignment(range(shards)), [], {"a", "b", "c"}
    lost = 0
    for now, (node, event) in enumerate(events):
        assignment.take(sorted(alive), 1000.0 * now)
        if event == "a" and alive != {node}:  # without any node, patience ends
            alive ^= {node}
        elif node in assignment.running and event == "f":
            finished.append(assignment.finish(node))
        elif node in assignment.running and assignment.lost[assignment.running[node]] < LOSSES:
            assignment.lose(node, "gone", 1000.0 * now)
            lost += 1
        held = [*assignment.waiting, *assignment.running.values(), *finished]
        assert sorted(held) == list(range(shards))
    assert assignment.lost.total() == lost
