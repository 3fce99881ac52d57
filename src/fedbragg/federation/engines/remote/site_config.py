"""A site's own file: where its data lie, and what it takes part in. It is read here and never leaves the site.

runs = ["/data/2026/*.cbf"]
labels = "/data/2026/labels.csv"

[limits]
tasks = ["hits"]
rounds_a_day = 500
gpu = false
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pydantic import Field, ValidationError

from fedbragg.config import Federation, Section, read_toml
from fedbragg.errors import ConfigError, FederationError
from fedbragg.files import write_whole

DAY = 86400.0


class Limits(Section):
    """What a site takes part in, whatever a federation asks."""

    tasks: tuple[str, ...] = ()
    """Tasks that it trains for; empty are all that are installed here."""
    rounds_a_day: int = Field(default=0, ge=0)
    """Trainings within any 24 hours; 0 is no limit."""
    gpu: bool = False
    """Whether its trainer may see a GPU."""


class SiteConfig(Section):
    """The whole file."""

    runs: tuple[str, ...] = Field(min_length=1)
    """Files, globs or folders; relative ones are seen from this file."""
    labels: str
    """Table ``path,frame,label``; relative ones are seen from this file."""
    limits: Limits = Limits()


def load_site_config(path: Path) -> SiteConfig:
    """Read and check a site's own file; raise ConfigError naming file, key and remedy."""
    try:
        return SiteConfig.model_validate(read_toml(path, "a file with runs and labels"))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(
            f"{path}: {where}: {problem['msg']}. Known keys: runs, labels, and [limits]."
        ) from None


class ParticipationLimits:
    """Keep a site's limits, also over restarts: the rounds it took part in stand in a file."""

    def __init__(self, limits: Limits, record: Path) -> None:
        self._limits, self._record = limits, record

    def check_terms(self, settings: Federation) -> None:
        """Raise FederationError where a federation asks for what this site does not do."""
        if self._limits.tasks and settings.task not in self._limits.tasks:
            raise FederationError(f"this site takes no part in the task {settings.task!r} (its own limit)")

    def take_round(self) -> None:
        """Count one training; raise FederationError where there have been enough for the day."""
        if not self._limits.rounds_a_day:
            return
        now = time.time()
        past = json.loads(self._record.read_text(encoding="utf-8")) if self._record.exists() else []
        recent = [moment for moment in past if now - moment < DAY]
        if len(recent) >= self._limits.rounds_a_day:
            raise FederationError(f"this site trains {self._limits.rounds_a_day} times a day (its own limit)")
        write_whole(self._record, json.dumps([*recent, now]))
