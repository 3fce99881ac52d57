"""The live table of shards on a terminal, and what is printed where there is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.live import Live

from fedbragg.cli.shard_table import LiveTable, shard_table, table_of
from fedbragg.screening.shards.shard import Shard
from fedbragg.workflows.cluster.screen_shards import ShardState


def states(count: int) -> list[ShardState]:
    """The first is done, the second screened on node02, and the others wait."""
    first = ShardState(Shard(1, count), "done", "node01", 100, 100, 250.0)
    second = ShardState(Shard(2, count), "screening", "node02", 30, 100, 60.4)
    return [
        first,
        second,
        *(ShardState(Shard(n, count), "waiting", "", 0, 100, 0.0) for n in range(3, count + 1)),
    ]


def drawn(count: int, rows: int) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=80)
    console.print(table_of(states(count), rows, 12.6))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line] + [
        [lines[-1].strip()]
    ]


def test_a_row_a_shard_those_that_are_screened_first() -> None:
    assert drawn(4, 20) == [
        ["2/4", "screening", "node02", "30", "100", "60"],
        ["3/4", "waiting", "", "0", "100", ""],
        ["4/4", "waiting", "", "0", "100", ""],
        ["1/4", "done", "node01", "100", "100", "250"],
        ["1 screening, 2 waiting, 1 done; 130 of 400 frames, 13 frames/s"],
    ]


def test_a_low_terminal_shows_the_first_rows_and_the_sum_of_all() -> None:
    rows = drawn(500, 3)
    assert [row[0] for row in rows[:-1]] == ["2/500", "3/500", "4/500"]
    assert rows[-1] == ["1 screening, 498 waiting, 1 done; 130 of 50000 frames, 13 frames/s"]


def test_lines_stay_above_the_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=12)
    with Live(console=console, auto_refresh=False) as live:
        table = LiveTable(live)
        table.show(states(3))
        table.tell("shard 1/3 was lost on node01: its process died. It will continue.")
        table.show(states(3))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "fedbragg: shard 1/3 was lost on node01: its process died. It will continue.\n" in text
    assert text.count("node02") >= 2


def test_off_a_terminal_only_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with shard_table() as table:
        table.show(states(3))
        table.tell("node01 gets no more shards")
    assert capsys.readouterr() == ("", "fedbragg: node01 gets no more shards\n")
