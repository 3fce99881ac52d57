"""The state of a site's client for the staff of that site: one small file, written at each change.

A page at the site reads it (docs/how-to/real-sites.md). It never leaves the site, so it may name local reasons.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fedbragg.federation.engines.remote import client_state as state
from fedbragg.federation.engines.remote.outgoing import Shapes
from fedbragg.files import write_whole
from fedbragg.styles import parted

REPORT = "state.json"


@dataclass(frozen=True, slots=True)
class Terms:
    """A federation's name, settings and timeouts, as the server gives them to a site."""

    federation: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # without server and sites
    heartbeat: float = 2.0  # seconds between two polls
    training_timeout: float = 0.0  # seconds for one training
    sites: int = 0  # number that take part; given where updates are summed under masks
    model: Shapes = field(default_factory=dict)  # of the model that the site gets

    @classmethod
    def of(cls, federation: str, fields: Mapping[str, Any]) -> Terms:
        """Return the terms that the server's answer to ``settings`` holds; an older server announces no model."""
        timeouts = fields["timeouts"]
        sites, model = int(fields.get("sites", 0)), fields.get("model", {})
        return cls(federation, fields["settings"], timeouts["heartbeat"], timeouts["training"], sites, model)

    def with_model(self, tensors: Shapes) -> Terms:
        """Return the terms with the shapes of the received model, in place of the announced ones, without styles."""
        return replace(self, model=parted(tensors)[0])


@dataclass(frozen=True, slots=True)
class Activity:
    """The client's state, in words for the site's people."""

    doing: str
    why: str = ""  # the reason as seen at the site; it may name files
    refused: bool = False
    ended: bool = False


class ReportFile:
    """The file; it is written when its content changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: dict[str, Any] = {}

    def write(self, activity: Activity, terms: Terms, trouble: str, version: int | None) -> None:
        """Write the client's state, its federation, and any problem of the connection.

        ``version`` is that of the model that the site has trained on last.
        """
        content = {**asdict(activity), **asdict(terms), "trouble": trouble, "version": version}
        if content != self._written:
            write_whole(self._path, json.dumps({"since": round(time.time(), 3), **content}))
            self._written = content


def activity_of(now: state.State) -> Activity:
    """Return a client's state in words."""
    match now:
        case state.Outside():
            return Activity("connected; no federation for this site runs")
        case state.Declined(failure):
            return Activity("takes no part in this federation", failure.local, refused=True)
        case state.NoWorker() | state.Ready():
            return Activity("waiting for the next round")
        case state.Loading():
            return Activity("reading this site's data")
        case state.Unusable(failure):
            return Activity("this site's data cannot be used", failure.local, refused=True)
        case state.Training():
            return Activity("training")
        case state.Reporting(_, failure, _, veto):
            if veto and failure is not None:
                return Activity("refuses the newest model", failure.local, refused=True)
            if failure is None:
                return Activity("sending its update")
            return Activity("reports a failure", failure.local, refused=True)
        case state.Exporting():
            return Activity("writing the final model")
        case state.Finished(text):
            return Activity("the federation has ended", text)
