"""The labels of several people in one file: what stands after any series of labels, crashes and full disks."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.errors import LabelError
from fedbragg.images import read_labels
from fedbragg.review.labels.current_labels import CurrentLabels, agreed
from fedbragg.review.labels.entry import Entry, FrameKey
from fedbragg.review.labels.journal import Journal
from fedbragg.review.labels.label_store import LabelStore, journal_of
from fedbragg.review.labels.label_table import TABLE_PERSON, name_of, table_rows
from fedbragg.types import Label

TIME = "2026-11-27T08:15:17+00:00"
HIT, MAYBE, MISS = Label.HIT, Label.MAYBE, Label.MISS


def entry(frame: int = 0, label: Label | None = HIT, person: str = "ada", path: str = "run.h5") -> Entry:
    return Entry(path, frame, label, person, TIME, "abc", 0.25)


def opened(table: Path) -> LabelStore:
    store = LabelStore(table)
    store.open(TIME)
    return store


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "ben"]), st.integers(0, 3), st.sampled_from([HIT, MAYBE, MISS, None, None])
    ),
    max_size=30,
)


def snapshots(actions: list[tuple[str, int, Label | None]]) -> dict[tuple[str, int], Label]:
    """What must stand, by the simplest means: every label keeps a copy of what stood before it."""
    now: dict[str, dict[int, Label]] = {"ada": {}, "ben": {}}
    before: dict[str, list[dict[int, Label]]] = {"ada": [], "ben": []}
    for person, frame, label in actions:
        if label is not None:
            before[person].append(dict(now[person]))
            now[person][frame] = label
        elif before[person]:
            now[person] = before[person].pop()
    return {(person, frame): label for person in now for frame, label in now[person].items()}


@settings(max_examples=25, deadline=None)
@given(actions=ACTIONS)
def test_any_series_of_labels_and_undos_replays_to_what_stood(
    actions: list[tuple[str, int, Label | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = tmp_path_factory.mktemp("labels") / "labels.csv"
    stores = [opened(table), opened(table)]  # two processes at the same files
    for number, (person, frame, label) in enumerate(actions):
        store = stores[number % 2]
        if label is None:
            store.take_back(person, TIME)
        else:
            store.give(entry(frame, label, person))
    expected = snapshots(actions)
    for store in (*stores, opened(table)):
        store.refresh()
        found = {
            (person, frame): label
            for frame in range(4)
            for person, label in store.labels(("run.h5", frame)).items()
        }
        assert found == expected
    if actions and table.exists():
        of_frames: dict[int, list[Label]] = {}
        for (_, frame), label in expected.items():
            of_frames.setdefault(frame, []).append(label)
        exported = read_labels(table).frames
        assert {frame: label for (_, frame), label in exported.items()} == {
            frame: agreed(labels) for frame, labels in of_frames.items()
        }


def test_an_undo_brings_back_the_label_before() -> None:
    current = CurrentLabels()
    for label in (HIT, MISS, None):
        current.add(entry(label=label))
    assert current.label(("run.h5", 0), "ada") is HIT
    current.add(entry(label=None))
    current.add(entry(label=None))  # nothing is left to take back
    assert current.label(("run.h5", 0), "ada") is None
    assert list(current.frames()) == []


def test_an_undo_may_be_limited_to_the_frames_of_a_run(tmp_path: Path) -> None:
    store = opened(tmp_path / "labels.csv")
    store.give(entry(0, path="this.h5"))
    store.give(entry(0, path="other.h5"))
    taken = store.take_back("ada", TIME, lambda key: key[0] == "this.h5")
    assert taken is not None
    assert taken.entry.path == "this.h5"
    assert store.frames() == [("other.h5", 0)]
    assert store.take_back("ada", TIME, lambda key: key[0] == "this.h5") is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([HIT], HIT), ([HIT, HIT, MISS], HIT), ([HIT, MISS], MAYBE), ([MISS, MAYBE, HIT], MAYBE), ([MISS, MISS], MISS)],
)  # fmt: skip
def test_a_frame_gets_the_label_of_the_majority_or_maybe(labels: list[Label], expected: Label) -> None:
    assert agreed(labels) is expected


@given(
    path=st.text(min_size=1),
    frame=st.none() | st.integers(0, 10**9),
    label=st.none() | st.sampled_from(Label),
    person=st.text(min_size=1),
    score=st.none() | st.floats(0, 1),
)
def test_an_entry_is_the_same_after_writing_and_reading(
    path: str, frame: int | None, label: Label | None, person: str, score: float | None
) -> None:
    written = Entry(path, frame, label, person, TIME, "abc", score)
    line = written.to_line()
    assert line.count("\n") == 1
    assert line.isascii()
    assert Entry.from_line(line) == written


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, 400))
def test_a_last_line_cut_anywhere_is_skipped_with_a_warning(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = tmp_path_factory.mktemp("labels") / "labels.csv"
    store = opened(table)
    store.give(entry(0, HIT))
    store.give(entry(1, MISS))
    journal = journal_of(table)
    content = journal.read_bytes()
    last = content.rfind(b"\n", 0, -1) + 1
    kept = content[: last + min(cut, len(content) - last - 1)]  # always without the last line's end
    journal.write_bytes(kept)
    table.unlink()  # it is written after the line, so a crash that cuts the line leaves no table with it

    again = opened(table)
    assert again.journal.unfinished()
    assert again.label(("run.h5", 0), "ada") is HIT
    assert again.labels(("run.h5", 1)) == {}
    again.give(entry(2, MAYBE))
    assert again.label(("run.h5", 2), "ada") is MAYBE
    whole = kept.endswith(b"}")
    assert (again.journal.warnings == []) == whole
    if not whole:
        assert again.journal.warnings[0].startswith(f"{journal} line 2: damaged")
    assert opened(table).labels(("run.h5", 2)) == {"ada": MAYBE}


def test_a_damaged_line_in_the_middle_is_named_and_the_others_count(tmp_path: Path) -> None:
    lines = [
        entry(0).to_line(),
        "[1, 2]\n",
        '{"path": "run.h5", "frame": -1, "label": "hit", "person": "ada", "time": "now"}\n',
        "\udcff\n",
        entry(1).to_line(),
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    journal = Journal(path)
    assert [found.frame for found in journal.news()] == [0, 1]
    assert [warning.split(":")[0] for warning in journal.warnings] == [f"{path} line {n}" for n in (2, 3, 4)]


def test_a_full_disk_takes_no_part_of_a_label(tmp_path: Path) -> None:
    """The system's limit on a file's size acts as a full disk does: a part of the line is written, then an error."""
    table = tmp_path / "labels.csv"
    store = opened(table)
    store.give(entry(0))
    size = journal_of(table).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.give(entry(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal_of(table).stat().st_size == size
    assert store.labels(("run.h5", 1)) == {}
    store.give(entry(1))
    assert opened(table).label(("run.h5", 1), "ada") is HIT


def test_a_table_that_cannot_be_written_is_a_warning_and_the_label_stands(tmp_path: Path) -> None:
    (tmp_path / ".labels.csv.unfinished").mkdir()  # where the new table is to be written
    taken = opened(tmp_path / "labels.csv").give(entry())
    assert "labels.csv cannot be written" in taken.warning
    assert opened(tmp_path / "labels.csv").label(("run.h5", 0), "ada") is HIT


def test_labels_that_the_table_held_before_are_kept(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,frame,label\nrun.h5,3,hit\n/elsewhere/b.cbf,,miss\n")
    store = opened(table)
    assert store.labels(("run.h5", 3)) == {TABLE_PERSON: HIT}
    store.give(entry(0, MISS))
    assert table.read_text() == "path,frame,label\n/elsewhere/b.cbf,,miss\nrun.h5,0,miss\nrun.h5,3,hit\n"
    opened(table)
    assert len(journal_of(table).read_text().splitlines()) == 3  # they are taken in once


def test_a_table_with_a_further_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,frame,label,group\nrun.h5,3,hit,a\n")
    with pytest.raises(LabelError, match="would drop its column 'group'"):
        opened(tmp_path / "labels.csv")


def test_the_table_names_files_as_training_finds_them(tmp_path: Path) -> None:
    for path in (tmp_path / "deep" / "run.h5", tmp_path.parent / "beside.h5", Path("/data/run.h5")):
        name = name_of(str(path), tmp_path)
        assert os.path.normpath(tmp_path / name) == str(path)
    assert name_of(str(tmp_path / "deep" / "run.h5"), tmp_path) == "deep/run.h5"


def test_disagreement_and_kappa(tmp_path: Path) -> None:
    store = opened(tmp_path / "labels.csv")
    for frame, (ada, ben) in enumerate([(HIT, HIT), (HIT, MISS), (MISS, MISS), (MISS, MISS)]):
        store.give(entry(frame, ada, "ada"))
        store.give(entry(frame, ben, "ben"))
    store.give(entry(9, HIT, "cy"))
    assert store.disagreements() == {("run.h5", 1)}
    (agreement,) = store.agreements()
    assert (agreement.first, agreement.second, agreement.frames) == ("ada", "ben", 4)
    assert agreement.kappa == pytest.approx(0.5)  # observed 3/4; by chance (2 x 1 + 2 x 3) / 16 = 1/2
    assert read_labels(tmp_path / "labels.csv").label(tmp_path / "run.h5", 1) is MAYBE


def test_threads_and_processes_lose_no_label(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    stores = [opened(table), opened(table)]

    def label(number: int) -> None:
        for frame in range(25):
            stores[number % 2].give(entry(frame, HIT, f"person {number}"))

    threads = [threading.Thread(target=label, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found: dict[FrameKey, dict[str, Label]] = {
        key: opened(table).labels(key) for key in opened(table).frames()
    }
    assert len(found) == 25
    assert all(len(labels) == 4 for labels in found.values())
    assert len(read_labels(table)) == 25


LABELLER = """
import sys
from pathlib import Path
from fedbragg.review.labels.label_store import LabelStore
from fedbragg.review.labels.entry import Entry
from fedbragg.types import Label

store = LabelStore(Path(sys.argv[1]))
store.open("2026-11-27T08:15:17+00:00")
frame = int(sys.argv[2])
while True:
    store.give(Entry("run.h5", frame, Label.HIT, "ada", "2026-11-27T08:15:17+00:00"))
    print(frame, flush=True)
    frame += 1
"""


def test_after_kill_9_every_confirmed_label_is_there(tmp_path: Path) -> None:
    table, first = tmp_path / "labels.csv", 0
    for _ in range(3):
        confirmed = killed_while_labelling(table, first, after=20)
        found = opened(table)
        for frame in range(confirmed + 1):
            assert found.label(("run.h5", frame), "ada") is HIT
        first = confirmed + 1
    assert [json.loads(line)["label"] for line in journal_of(table).read_text().splitlines()[:60]] == [
        "hit"
    ] * 60


def killed_while_labelling(table: Path, first: int, after: int) -> int:
    """Kill a process some labels after it began; return the last frame that it said to be labelled."""
    process = subprocess.Popen(
        [sys.executable, "-c", LABELLER, str(table), str(first)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(after):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    said = [int(line) for line in rest.splitlines() if line]
    return max(said, default=first + after - 1)


def test_rows_stand_in_natural_order() -> None:
    current = CurrentLabels()
    for path, frame in (("b10.cbf", 0), ("b9.cbf", 0), ("a.h5", 10), ("a.h5", 9)):
        current.add(entry(frame, HIT, "ada", path))
    assert [row[:2] for row in table_rows(current)] == [
        ("a.h5", 9), ("a.h5", 10), ("b9.cbf", 0), ("b10.cbf", 0)
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_is_an_error_and_no_label(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = opened(tmp_path / "file" / "labels.csv")
    give: Callable[[Entry], object] = store.give
    with pytest.raises(OSError, match="file"):
        give(entry())
    assert store.frames() == []
