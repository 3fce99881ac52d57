"""The model adapted on the page: a real training in its own process, what taught it, and what goes wrong."""

from __future__ import annotations

import csv
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedbragg.errors import InputError, LabelError
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.opening import ReviewRequest, open_session
from fedbragg.review.teaching.session import CANDIDATE, Teaching
from fedbragg.review.teaching.taught_labels import free_name, read_taught
from fedbragg.review.teaching.teach_process import Report, TeachProcess
from fedbragg.tasks import hits
from fedbragg.types import Label
from fedbragg.workflows.teach_worker import COMMAND

FRAMES = 40
"""Of the fixture ``forty``: even ones have spots."""


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def teaching_in(folder: Path, model: Path | None = None) -> Iterator[Teaching]:
    request = ReviewRequest((str(folder / "run.h5"),), folder / "labels.csv", "ada")
    session, _ = open_session(request, hits.open_model(model or hits.default_model()))
    found = Teaching(session, COMMAND)
    yield found
    found.close()
    session.scores.stop()


def test_a_model_is_taught_judged_on_other_labels_and_taken(forty: Path) -> None:
    tmp_path = forty
    with teaching_in(tmp_path) as teaching:
        session = teaching._session
        for position in range(6):  # frames 5 to 9 judge
            session.give(position, Label.HIT if position % 2 == 0 else Label.MISS)
        with pytest.raises(InputError, match=r"The labels do not suffice. To teach there must be 5 hits"):
            teaching.start()
        with pytest.raises(InputError, match="no trained model"):
            teaching.accept()
        for position in range(6, FRAMES):
            session.give(position, Label.HIT if position % 2 == 0 else Label.MISS)
        teaching.start()
        until(lambda: teaching.state()["status"] != "running")
        state = teaching.state()
        assert state["status"] == "done", state
        found = state["result"]
        assert (found["taught"], found["held_out"]) == (25, 15) == (state["teaching"], state["judging"])
        assert found["after"]["value"] > 0.95  # 25 spots or none: easy
        decisions = found["decisions_after"]
        assert sum(decisions.values()) == 15
        assert decisions["true_positive"] + decisions["false_negative"] == 7  # even positions of the 15
        assert not (tmp_path / "taught.onnx").exists()  # not before the person says so
        before = session.reviewer.digest
        assert teaching.state()["promise"]["hits"] == 20
        written = teaching.accept()
        assert written == tmp_path / "taught.onnx"
        assert teaching.state()["status"] == "idle"
        assert session.reviewer.digest != before
        rows = list(csv.DictReader((tmp_path / "taught.labels.csv").read_text().splitlines()))
        assert [int(row["frame"]) for row in rows if row["part"] == "held out"] == [
            *range(5, 10),
            *range(20, 25),
            *range(35, 40),
        ]
        assert {row["label"] for row in rows if int(row["frame"]) % 2} == {"miss"}
        card = hits.open_model(written).card
        assert card.provenance["from"] == before
        assert card.provenance["examples"] == 25
        assert teaching.state()["promise"]["frames"] == 15  # those that taught must not calibrate
        command = teaching.write_random_table()
        assert command.endswith(f"--model {written}")
        table = list(csv.DictReader((tmp_path / "labels.random.csv").read_text().splitlines()))
        assert len(table) == 15
        assert free_name(tmp_path) == tmp_path / "taught-2.onnx"
    with teaching_in(tmp_path, written) as again:  # opened later, it still knows
        assert again.state()["promise"]["frames"] == 15


def test_a_record_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "taught.labels.csv").write_text("path,frame\nrun.h5,x\n")
    with pytest.raises(LabelError, match="which labels taught the model is not known"):
        read_taught(tmp_path / "taught.onnx", tmp_path)
    assert read_taught(tmp_path / "other.onnx", tmp_path) == frozenset()


def test_a_label_of_a_whole_file_is_one_of_its_frames(tmp_path: Path) -> None:
    numbers = FrameNumbers([(str(tmp_path / "a.cbf"), 1), (str(tmp_path / "b.h5"), 3)], tmp_path)
    assert [list(numbers.positions(key)) for key in (("a.cbf", None), ("b.h5", None), ("b.h5", 2), ("b.h5", 3))] == [
        [0], [1, 2, 3], [3], []
    ]  # fmt: skip
    assert numbers.place(3) == (str(tmp_path / "b.h5"), 2)


def worker(code: str) -> TeachProcess:
    return TeachProcess((sys.executable, "-S", "-c", f"import json, os, sys, time\n{code}"))


@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("sys.stdin.readline(); print(json.dumps({'problem': 'no room'}))", "failed", "no room"),
        ("sys.stdin.readline(); os._exit(9)", "failed", "The training process ended with code 9."),
        ("print('no JSON', flush=True); sys.stdin.read()", "failed", "The training process failed"),
        ("print(json.dumps({'result': json.loads(sys.stdin.readline())}))", "done", ""),
    ],
)
def test_what_becomes_of_a_worker_is_reported(code: str, status: str, problem: str) -> None:
    process = worker(code)
    process.start({"paths": ["a"]})
    until(lambda: process.report.status != "running")
    assert process.report.status == status
    assert process.report.problem.startswith(problem)
    if status == "done":
        assert process.report.result == {"paths": ["a"]}
    process.stop()
    assert process.report == Report()


def test_a_worker_that_is_stopped_ends_and_says_nothing_more() -> None:
    process = worker(
        "print(json.dumps({'stage': str(os.getpid()), 'done': 1, 'total': 2}), flush=True); time.sleep(60)"
    )
    process.start({})
    until(lambda: process.report.stage.isdigit())
    number = int(process.report.stage)
    assert (process.report.done, process.report.total) == (1, 2)
    process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert process.report.status == "idle"


def test_a_full_disk_leaves_no_half_model(tmp_path: Path, run: Path) -> None:
    """The system's limit on a file's size acts as a full disk does; the old model is used further."""
    request = ReviewRequest((str(run),), tmp_path / "labels.csv", "ada")
    session, _ = open_session(request, hits.open_model(hits.default_model()))
    code = "import json, sys; sys.stdin.readline(); print(json.dumps({'result': {}}))"
    teaching = Teaching(session, (sys.executable, "-S", "-c", code))
    shutil.copy(hits.default_model(), Path(teaching._folder.name) / CANDIDATE)
    teaching._parts = teaching._split({})
    teaching._process.start({})
    until(lambda: teaching._process.report.status == "done")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            teaching.accept()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["taught.labels.csv"]
    assert session.reviewer.model_file == hits.default_model()
    assert teaching.accept() == tmp_path / "taught.onnx"  # once there is room
    assert session.reviewer.model_file == tmp_path / "taught.onnx"
    teaching.close()
