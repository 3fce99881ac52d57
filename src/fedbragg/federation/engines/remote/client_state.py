"""The states of a site's client, and the state that follows an event of its worker.

    Outside -> Declined                                   the site takes no part in this federation
            -> NoWorker -> Loading -> Ready               a worker process reads the site's data
                                   -> Unusable            the data cannot be used; reported at the next request
               Ready -> Training -> Reporting -> Ready    once for each request
               Ready -> Exporting -> Finished             the final model is written at the site

A worker that ends leads back to NoWorker; a new federation starts over from any state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fedbragg.federation.engines.remote import worker_messages as worker
from fedbragg.federation.engines.remote.protocol import Message, encode_message
from fedbragg.federation.engines.remote.worker_messages import Failure

WORKER_ENDED = "the worker process ended"


@dataclass(frozen=True, slots=True)
class Outside:
    """The server has not named a federation yet."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The site takes no part: its own limits or its version forbid it."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class NoWorker:
    """No process holds the site's data; the next request starts one."""


@dataclass(frozen=True, slots=True)
class Loading:
    """The worker reads the site's data."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """The site's data cannot be used."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker holds the data and is idle."""


@dataclass(frozen=True, slots=True)
class Training:
    """The worker trains for a request."""

    request: str
    limit: float  # seconds that it may take
    ends_by: float  # on the monotonic clock


@dataclass(frozen=True, slots=True)
class Reporting:
    """A request has ended, and the server has not confirmed the report yet."""

    request: str
    failure: Failure | None  # None where there is an update
    then: Declined | NoWorker | Ready
    veto: bool = False  # whether the site refuses the model

    def message(self) -> tuple[str, bytes]:
        """Return topic and message of the failure."""
        reason = self.failure.public if self.failure is not None else ""
        return "veto" if self.veto else "failure", encode_message(
            Message({"request": self.request, "reason": reason})
        )


@dataclass(frozen=True, slots=True)
class Exporting:
    """The worker writes the final model."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The federation has ended and nothing is left to do."""

    text: str = ""  # result of writing the final model


State = (
    Outside | Declined | NoWorker | Loading | Unusable | Ready | Training | Reporting | Exporting | Finished
)


def after_event(state: State, event: worker.Event) -> State:
    """Return the state that follows an event of the worker; events of superseded trainings change nothing."""
    match state, event:
        case Training(request), worker.TrainingDone(name) if name == request:
            return Reporting(request, None, Ready())
        case Training(request), worker.ModelVetoed(name, reason) if name == request:
            return Reporting(request, Failure.of(reason), Ready(), veto=True)
        case Training(request), worker.TrainingFailed(name, error, reason) if name == request:
            public = f"training failed ({error}; the site's output says why)"
            return Reporting(request, Failure(public, f"{error}: {reason}"), Ready())
        case Training(request), worker.TrainingKilled(name, signal) if name == request:
            return Reporting(request, Failure.of(f"the trainer was killed ({signal})"), Ready())
        case Loading(), worker.Loaded():
            return Ready()
        case Loading(), worker.LoadFailed(error, reason):
            public = f"its frames or labels cannot be used ({error}; the site's output says why)"
            return Unusable(Failure(public, reason))
        case Exporting(), worker.Exported(text):
            return Finished(text)
        case _, worker.WorkerEnded():
            return _without_worker(state)
    return state


def _without_worker(state: State) -> State:
    match state:
        case Loading():
            return Unusable(Failure.of(f"{WORKER_ENDED} before it had read the data"))
        case Ready():
            return NoWorker()
        case Training(request):
            return Reporting(request, Failure.of(WORKER_ENDED), NoWorker())
        case Reporting(_, _, Ready()):
            return replace(state, then=NoWorker())
        case Exporting():
            return Finished(f"the final model is not written: {WORKER_ENDED}")
    return state
