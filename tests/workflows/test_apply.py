"""Applying any model to many items: rows, plots, and items that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fedbragg.cli.applied import reaching, show_rows
from fedbragg.errors import InputError
from fedbragg.progress import SILENT
from fedbragg.workflows.apply import Presentation, Row, apply, plot_name, write_answers


def read(name: str) -> int:
    if not name.isdigit():
        raise InputError(f"{name}: not a number.")
    return int(name)


def halves(item: int) -> tuple[float, float]:
    return item / 2, 1 - item / 2


def write(out: Path, names: Sequence[str], plots: bool = False) -> list[Row]:
    def plot(path: Path, item: int, answer: tuple[float, float]) -> None:
        path.write_text(f"{item} {answer}")

    presentation: Presentation[int, tuple[float, float]] = Presentation(
        "halves.csv", ("half", "rest"), lambda answer: answer, plot if plots else None
    )
    rows = write_answers(out, apply(names, read, halves), presentation, SILENT.stage("Halving"))
    assert presentation.files(out) == [out / "halves.csv", *([out / "plots"] if plots else [])]
    return rows


def test_every_item_has_a_row_and_a_plot(tmp_path: Path) -> None:
    rows = write(tmp_path / "out", ["1", "0"], plots=True)
    assert rows == [Row("1", (0.5, 0.5)), Row("0", (0.0, 1.0))]
    lines = (tmp_path / "out" / "halves.csv").read_text().splitlines()
    assert lines == ["path,half,rest", "1,0.5000,0.5000", "0,0.0000,1.0000"]
    assert {plot.name for plot in (tmp_path / "out" / "plots").iterdir()} == {"1.png", "0.png"}


def test_an_unreadable_item_has_an_empty_row_and_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write(tmp_path, ["one", "1"])
    assert rows[0] == Row("one", None, "one: not a number.")
    assert (tmp_path / "halves.csv").read_text().splitlines()[1] == "one,,"
    assert not (tmp_path / "plots").exists()
    assert show_rows("number", rows, reaching(rows, ("half", "rest"), 0.5), [tmp_path / "halves.csv"]) == 3
    shown = capsys.readouterr()
    assert shown.err == "fedbragg: one: not a number.\n"
    assert shown.out.splitlines() == [
        "numbers      2",
        "half         1",
        "rest         1",
        "unreadable   1",
        f"written      {tmp_path / 'halves.csv'}",
    ]


def test_if_no_item_can_be_read_the_command_fails(tmp_path: Path) -> None:
    rows = write(tmp_path, ["one", "two"])
    with pytest.raises(InputError, match=r"^one: not a number\. \(and 1 more\)$"):
        show_rows("number", rows, [], [])


def test_a_table_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "halves.csv").mkdir()
    with pytest.raises(InputError, match=r"halves.csv: cannot be written .* Give another --out"):
        write(tmp_path, ["1"])


def test_plots_of_items_with_the_same_name_have_different_names() -> None:
    taken = set[str]()
    names = [plot_name(name, taken) for name in ("a/x.npy", "b/x.npy", "run.h5:7", "run.h5:8", "c/x.npy")]
    assert names == ["x.png", "x-2.png", "run-7.png", "run-8.png", "x-3.png"]
