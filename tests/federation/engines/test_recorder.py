"""The record of a federation: history, evaluations, checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.federation.checkpoint import CheckpointStore
from fedbragg.federation.engines.recorder import Recorder
from fedbragg.federation.events import Checkpoint, Finish, ModelChanged
from fedbragg.federation.progress import ProgressEvent

MODEL = {"w": np.array([2.0])}


def changed(*, at_barrier: bool) -> ModelChanged:
    return ModelChanged(4, 1, at_barrier, MODEL, {"a": 0.75, "b": 0.25}, {"a": 1.0, "b": 3.0})


def test_sent_models_go_to_the_listener_and_not_into_the_history() -> None:
    heard: list[str] = []
    recorder = Recorder(listener=lambda event: heard.append(event.event))
    recorder.begin(MODEL, None)
    recorder.note(ProgressEvent("sent", 1.0, site="a"))
    assert heard == ["start", "sent"]
    assert [line["event"] for line in recorder.history] == ["start"]


def test_the_start_model_and_every_barrier_are_evaluated_and_steps_are_not() -> None:
    recorder = Recorder(evaluate=lambda model: {"size": float(model["w"][0])})
    recorder.begin(MODEL, None)
    recorder.changed(changed(at_barrier=False), 1.0)
    recorder.changed(changed(at_barrier=True), 2.0)
    start, step, barrier = recorder.history
    assert (start["evaluation"], barrier["evaluation"]) == ({"size": 2.0}, {"size": 2.0})
    assert "evaluation" not in step
    assert barrier["loss"] == pytest.approx(0.75 * 1.0 + 0.25 * 3.0)


def test_a_checkpoint_holds_the_history_up_to_it_and_later_the_end(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, "one")
    recorder = Recorder(store=store)
    recorder.begin(MODEL, None)
    recorder.checkpoint(Checkpoint(MODEL, {"barrier": 1}), 5.0)
    recorder.note(ProgressEvent("joined", 6.0, site="a"))
    saved = store.load()
    assert saved is not None
    assert ([line["event"] for line in saved.history], saved.finished) == (["start"], None)
    recorder.finish(Finish(MODEL, "all 1 barriers passed"), 7.0)
    saved = store.load()
    assert saved is not None
    assert [line["event"] for line in saved.history] == ["start", "joined", "finish"]
    assert saved.finished == "all 1 barriers passed"
    resumed = Recorder(store=store)
    resumed.begin(MODEL, saved)
    assert resumed.history == saved.history
