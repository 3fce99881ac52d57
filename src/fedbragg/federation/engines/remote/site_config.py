"""A site's own file: its data, and the federations it takes part in. It is read here and never leaves the site.

runs = ["/data/2026/*.cbf"]
labels = "/data/2026/labels.csv"

[limits]
tasks = ["hits"]
rounds_a_day = 500
secure = true
epsilon = 3.0
gpu = false
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from fedbragg.config import Federation, Section, read_toml
from fedbragg.errors import ConfigError, FederationError
from fedbragg.federation.engines.remote.worker_messages import Failure
from fedbragg.files import write_whole

DAY = 86400.0  # seconds


class Limits(Section):
    """A site's own limits on taking part in any federation."""

    tasks: tuple[str, ...] = ()
    """Tasks that it trains for; none given means all that are installed here."""
    rounds_a_day: int = Field(default=0, ge=0)
    """Trainings within any 24 hours; 0 is no limit."""
    secure: bool = False
    """Whether it takes part only where updates are summed under masks."""
    epsilon: float = Field(default=0.0, ge=0)
    """Largest epsilon of private training for one run or crystal, over all federations; 0 is no limit.

    With a limit the site takes part only in federations with [privacy] epsilon.
    """
    delta: float = Field(default=1e-5, gt=0, lt=0.1)
    """The delta at which epsilon is counted."""
    largest_fall: float | None = Field(default=None, ge=0)
    """How much worse than the best accepted model a new one may be on the held-out examples; None: not judged."""
    gpu: bool = False
    """Whether its trainer uses a GPU where there is one."""


class SiteConfig(Section):
    """The whole file."""

    runs: tuple[str, ...] = Field(min_length=1)
    """Files, globs or folders, relative to this file."""
    labels: str
    """Table ``path,frame,label``, relative to this file."""
    share_style: bool = True
    """Whether the other sites may know how its pictures look, where the federation asks for it."""
    unit: Literal["file", "frame"] = "file"
    """How frames are grouped by run or crystal where the labels have no column crystal, as in [[sites]]."""
    limits: Limits = Limits()


def load_site_config(path: Path) -> SiteConfig:
    """Read and check a site's own file; raise ConfigError naming file, key and remedy."""
    try:
        return SiteConfig.model_validate(read_toml(path, "a file with runs and labels"))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(
            f"{path}: {where}: {problem['msg']}. Known keys: runs, labels, share_style, unit, and [limits]."
        ) from None


class ParticipationLimits:
    """Apply a site's limits; the times of its trainings are in a file, so that a restart does not reset them."""

    def __init__(self, limits: Limits, record: Path) -> None:
        self._limits, self._record = limits, record

    def refusal(self, settings: Mapping[str, Any]) -> Failure | None:
        """Return why this site takes no part in a federation with such settings, or None."""
        site = {"name": "this", "runs": ["-"], "labels": "-"}
        try:
            federation = Federation.model_validate({**settings, "sites": [site]})
        except ValueError as error:
            public = "the site cannot read the settings; install the same version of fedbragg on all machines"
            return Failure(public, f"{public}: {error}")
        task = federation.task
        if self._limits.secure and not federation.privacy.secure:
            return Failure.of("this site takes part only with secure aggregation (its own limit)")
        if self._limits.epsilon and not 0 < federation.privacy.epsilon <= self._limits.epsilon:
            return Failure.of(
                f"this site takes part only with [privacy] epsilon of at most {self._limits.epsilon:g} (its own limit)"
            )
        if self._limits.tasks and task not in self._limits.tasks:
            return Failure.of(f"this site takes no part in the task {task!r} (its own limit)")
        return None

    def take_round(self) -> None:
        """Count one training; raise FederationError where the day's number is reached."""
        if not self._limits.rounds_a_day:
            return
        now = time.time()
        past = json.loads(self._record.read_text(encoding="utf-8")) if self._record.exists() else []
        recent = [moment for moment in past if now - moment < DAY]
        if len(recent) >= self._limits.rounds_a_day:
            raise FederationError(f"this site trains {self._limits.rounds_a_day} times a day (its own limit)")
        write_whole(self._record, json.dumps([*recent, now]))
