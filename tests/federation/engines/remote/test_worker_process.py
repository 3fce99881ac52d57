"""The worker's process as its client sees it: orders, events, and what a site's limits let it use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import WORKER_COMMAND, settings
from softmax import skewed_problem
from waiting import wait_for

from fedbragg.federation.engines.remote.protocol import decode_message
from fedbragg.federation.engines.remote.update_message import update_of
from fedbragg.federation.engines.remote.worker_messages import (
    Event,
    Exported,
    Load,
    Loaded,
    LoadFailed,
    Trained,
    TrainingFailed,
    TrainingKilled,
    WorkerEnded,
    from_line,
    to_line,
)
from fedbragg.federation.engines.remote.worker_process import WorkerProcess
from fedbragg.federation.tensors import encode_tensors

ECHO = (
    "import json, os, sys; sys.stdin.readline(); "
    "seen = os.environ.get('CUDA_VISIBLE_DEVICES', 'all'); "
    "print(json.dumps({'kind': 'LoadFailed', 'fields': {'error': 'Test', 'reason': seen}}), flush=True); "
    "sys.stdin.read()"
)
"""A worker that reports which GPUs it sees."""
NOTHING = Load({}, {}, "")
MODEL = encode_tensors(skewed_problem().initial)


def next_event(worker: WorkerProcess) -> Event:
    return wait_for(lambda: next(worker.events(), None), "an event")


def load(site: str = "site0") -> Load:
    table = settings()
    terms = {name: table[name] for name in ("task", "seed", "training", "federation")}
    return Load(terms, {"name": site, "runs": ["private.h5"], "labels": "private.csv"}, ".")


def request(name: str, version: int = 0, epochs: int = 1) -> dict[str, object]:
    return {"name": name, "version": version, "epochs": epochs}


@pytest.mark.parametrize(("gpu", "seen"), [(False, ""), (True, "0,1")])
def test_a_worker_sees_a_gpu_only_where_the_sites_limits_allow_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, seen: str
) -> None:
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "0,1")
    worker = WorkerProcess((sys.executable, "-c", ECHO), tmp_path / "work", lambda: None)
    worker.start(NOTHING, gpu=gpu)
    try:
        assert next_event(worker) == LoadFailed("Test", seen)
    finally:
        worker.close()


def test_what_a_library_prints_is_no_event(tmp_path: Path) -> None:
    chatty = "print('loading, please wait', flush=True); print('{\"a\": 1}', flush=True); " + ECHO
    worker = WorkerProcess((sys.executable, "-c", chatty), tmp_path / "work", lambda: None)
    worker.start(NOTHING, gpu=False)
    try:
        assert isinstance(next_event(worker), LoadFailed)
    finally:
        worker.close()


def test_events_of_an_earlier_process_are_dropped(tmp_path: Path) -> None:
    woken: list[None] = []
    worker = WorkerProcess((sys.executable, "-c", ECHO), tmp_path / "work", lambda: woken.append(None))
    worker.start(NOTHING, gpu=False)
    wait_for(lambda: woken, "the first event")
    worker.start(NOTHING, gpu=False)
    try:
        assert isinstance(next_event(worker), LoadFailed)
        assert not list(worker.events())
    finally:
        worker.close()


def test_a_command_that_ends_is_an_event(tmp_path: Path) -> None:
    worker = WorkerProcess((sys.executable, "-c", ""), tmp_path / "work", lambda: None)
    worker.start(NOTHING, gpu=False)
    assert next_event(worker) == WorkerEnded()
    worker.train(request("r-1"), MODEL)  # an order to a process that has ended is lost, and raises nothing
    worker.close()


@pytest.fixture
def softmax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerProcess]:
    """A worker that has read the data of site0."""
    monkeypatch.setenv("FEDBRAGG_TEST_FOLDER", str(tmp_path))
    worker = WorkerProcess(WORKER_COMMAND, tmp_path / "work", lambda: None)
    worker.start(load(), gpu=False)
    try:
        assert next_event(worker) == Loaded()
        yield worker
    finally:
        worker.close()


def test_it_trains_for_one_request_after_the_other(softmax: WorkerProcess) -> None:
    for number in (1, 2):
        softmax.train(request(f"r-{number}", version=number), MODEL)
        assert next_event(softmax) == Trained(f"r-{number}")
        name, update = update_of(decode_message(softmax.update()))
        assert (name, update.site, update.version) == (f"r-{number}", "site0", number)


def test_a_newer_request_replaces_the_one_in_progress(softmax: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "site0.hang").touch()
    softmax.train(request("r-1"), MODEL)
    wait_for(lambda: not (tmp_path / "site0.hang").exists(), "the training that hangs")
    softmax.train(request("r-2"), MODEL)
    assert next_event(softmax) == Trained("r-2")


def test_a_training_that_is_stopped_reports_nothing(softmax: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "site0.hang").touch()
    softmax.train(request("r-1"), MODEL)
    wait_for(lambda: not (tmp_path / "site0.hang").exists(), "the training that hangs")
    softmax.stop_training()
    softmax.export(MODEL, tmp_path / "models" / "final.onnx")
    assert isinstance(next_event(softmax), Exported)
    assert not list(softmax.events())


def test_a_training_that_is_killed_is_reported_with_the_signal(
    softmax: WorkerProcess, tmp_path: Path
) -> None:
    (tmp_path / "site0.hang").touch()
    softmax.train(request("r-1"), MODEL)
    pid = tmp_path / "site0.pid"
    os.kill(int(wait_for(lambda: pid.exists() and pid.read_text(), "the training")), 9)
    assert next_event(softmax) == TrainingKilled("r-1", "SIGKILL")


def test_a_model_that_does_not_fit_fails_the_training(softmax: WorkerProcess) -> None:
    softmax.train(request("r-1"), b"damaged")
    failed = next_event(softmax)
    assert isinstance(failed, TrainingFailed)
    assert (failed.request, failed.error) == ("r-1", "FederationError")
    softmax.train(request("r-2"), MODEL)
    assert next_event(softmax) == Trained("r-2")


def test_the_final_model_is_written_and_described(softmax: WorkerProcess, tmp_path: Path) -> None:
    out = tmp_path / "models" / "final.onnx"
    softmax.export(MODEL, out)
    assert next_event(softmax) == Exported(f"{out}: written")
    assert out.exists()
    softmax.export(b"damaged", tmp_path / "models" / "other.onnx")
    failed = next_event(softmax)
    assert isinstance(failed, Exported)
    assert failed.text.startswith("the final model could not be written: FederationError: ")


@pytest.mark.parametrize(
    "message", [load(), Trained("r-1"), LoadFailed("LabelError", "ünïcode\nline"), WorkerEnded()], ids=repr
)
def test_orders_and_events_are_single_lines(message: object) -> None:
    line = to_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    if not isinstance(message, WorkerEnded):
        assert to_line(from_line(line)) == line


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"kind": "WorkerEnded"}', b'{"kind": "Trained"}'])
def test_other_lines_are_no_messages(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        from_line(line)
