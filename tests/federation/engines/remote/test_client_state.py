"""Which state of a client follows which event of its worker."""

from __future__ import annotations

from typing import get_args

import pytest

from fedbragg.federation.engines.remote.client_state import (
    Declined,
    Exporting,
    Finished,
    Loading,
    NoWorker,
    Outside,
    Ready,
    Reporting,
    State,
    Training,
    Unusable,
    after_event,
)
from fedbragg.federation.engines.remote.worker_messages import (
    Event,
    Exported,
    Failure,
    Loaded,
    LoadFailed,
    ModelAccepted,
    ModelVetoed,
    TrainingDone,
    TrainingFailed,
    TrainingKilled,
    WorkerEnded,
)

TRAINING = Training("r-2", limit=60.0, ends_by=1000.0)
REASON = Failure("a public reason", "a local reason")
STATES: list[State] = [
    Outside(),
    Declined(REASON),
    NoWorker(),
    Loading(),
    Unusable(REASON),
    Ready(),
    TRAINING,
    Reporting("r-1", None, Ready()),
    Exporting(),
    Finished("written"),
]
EVENTS: list[Event] = [
    Loaded(),
    LoadFailed("LabelError", "/data/labels.csv is empty"),
    TrainingDone("r-2"),
    TrainingDone("r-1"),
    TrainingFailed("r-2", "ValueError", "bad frame /data/7.h5"),
    TrainingKilled("r-2", "SIGKILL"),
    Exported("written"),
    WorkerEnded(),
    ModelAccepted("r-2", 0.9),
    ModelVetoed("r-2", "worse"),
    ModelVetoed("r-1", "worse"),
]
ENDED = Failure.of("the worker process ended")
CHANGES: dict[tuple[State, Event], State] = {
    (Loading(), EVENTS[0]): Ready(),
    (Loading(), EVENTS[1]): Unusable(
        Failure(
            "its frames or labels cannot be used (LabelError; the site's output says why)",
            "/data/labels.csv is empty",
        )
    ),
    (Loading(), WorkerEnded()): Unusable(Failure.of("the worker process ended before it had read the data")),
    (Ready(), WorkerEnded()): NoWorker(),
    (TRAINING, EVENTS[2]): Reporting("r-2", None, Ready()),
    (TRAINING, EVENTS[4]): Reporting(
        "r-2",
        Failure(
            "training failed (ValueError; the site's output says why)", "ValueError: bad frame /data/7.h5"
        ),
        Ready(),
    ),
    (TRAINING, EVENTS[5]): Reporting("r-2", Failure.of("the trainer was killed (SIGKILL)"), Ready()),
    (TRAINING, ModelVetoed("r-2", "worse")): Reporting("r-2", Failure.of("worse"), Ready(), veto=True),
    (TRAINING, WorkerEnded()): Reporting("r-2", ENDED, NoWorker()),
    (STATES[7], WorkerEnded()): Reporting("r-1", None, NoWorker()),
    (Exporting(), EVENTS[6]): Finished("written"),
    (Exporting(), WorkerEnded()): Finished("the final model is not written: the worker process ended"),
}


@pytest.mark.parametrize("event", EVENTS, ids=repr)
@pytest.mark.parametrize("state", STATES, ids=repr)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    assert after_event(state, event) == CHANGES.get((state, event), state)


def test_all_states_and_events_are_tried() -> None:
    assert {type(state) for state in STATES} == set(get_args(State))
    assert {type(event) for event in EVENTS} == set(get_args(Event))


def test_no_path_of_a_sites_files_leaves_it() -> None:
    for state in CHANGES.values():
        match state:
            case Unusable(failure) | Reporting(_, Failure() as failure, _):
                assert "/data" not in failure.public
