"""The worker's process: what a site's own limits let it see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from deployment import wait_for

from fedbragg.federation.engines.remote.worker_process import WorkerProcess

TELLS = (
    "import json, os, sys; sys.stdin.readline(); "
    "print(json.dumps({'refused': os.environ.get('CUDA_VISIBLE_DEVICES', 'all'), 'kind': 'Test'}), flush=True); "
    "sys.stdin.read()"
)


@pytest.mark.parametrize(("gpu", "seen"), [(False, ""), (True, "0,1")])
def test_without_the_sites_leave_a_trainer_sees_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, seen: str
) -> None:
    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "0,1")
    process = WorkerProcess(tmp_path / "site", lambda: None, (sys.executable, "-c", TELLS))
    process.load({"terms": {}}, gpu=gpu)
    try:
        refused = wait_for(lambda: process.refused, "the worker's answer")
    finally:
        process.close()
    assert refused.own == seen


def test_what_a_library_prints_and_what_was_said_of_another_federation_count_for_nothing(
    tmp_path: Path,
) -> None:
    chatty = "print('loading, please wait', flush=True); " + TELLS
    process = WorkerProcess(tmp_path / "site", lambda: None, (sys.executable, "-c", chatty))
    process.final = "written, balanced accuracy 0.9"
    process.load({"terms": {}}, gpu=False)
    try:
        wait_for(lambda: process.refused, "the worker's answer")
    finally:
        process.close()
    assert process.final is None
