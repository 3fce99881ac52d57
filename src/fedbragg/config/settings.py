"""The settings file of a federation as a whole: read it, check it, name every mistake."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from fedbragg.config.federation import FederationSettings
from fedbragg.config.old_settings import doubled_keys, removed_keys, with_new_keys
from fedbragg.config.privacy import PrivacySettings
from fedbragg.config.section import Name, Section
from fedbragg.config.server import ServerSettings
from fedbragg.config.sites import SiteSettings
from fedbragg.config.style import StyleSettings
from fedbragg.config.toml import read_toml
from fedbragg.config.training import TrainingSettings
from fedbragg.errors import ConfigError, SettingsWarning


class Federation(Section):
    """The whole file, except for the task's own section, which the task checks (read_section)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    task: Name = "hits"
    """The name of the task; the section of the same name holds its own settings."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    training: TrainingSettings = TrainingSettings()
    federation: FederationSettings = FederationSettings()
    privacy: PrivacySettings = PrivacySettings()
    style: StyleSettings = StyleSettings()
    server: ServerSettings = ServerSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _read_old_keys(cls, table: Any) -> Any:
        return with_new_keys(table) if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _only_the_tasks_section(self) -> Federation:
        unknown = [name for name in self.model_extra or {} if name != self.task]
        if unknown:
            known = ", ".join((*type(self).model_fields, self.task))
            raise ValueError(f"unknown key {unknown[0]!r}. Known keys: {known}")
        return self

    @model_validator(mode="after")
    def _data_or_a_server(self) -> Federation:
        bare = [site.name for site in self.sites if not (site.runs and site.labels)]
        if bare and not self.server.address:
            raise ValueError(
                f"site {bare[0]!r} has no runs and labels; give both, or the address in [server] if it is a real site"
            )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Federation:
        names = [site.name for site in self.sites]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"two sites are named {sorted(doubled)[0]!r}; give each its own name")
        return self


S = TypeVar("S", bound=Section)


def load(path: Path) -> Federation:
    """Read and check a federation's settings; raise ConfigError naming file, section, key and remedy.

    Each key of an earlier version is read with a SettingsWarning. The name of the aggregation rule is checked
    by ``fedbragg.federation.plan.check_settings``, the task's own section by the task.
    """
    table = read_toml(path, "a federation.toml")
    for section, old, new in doubled_keys(table):
        raise ConfigError(f"{path} [{section}]: {old} is the old name of {new}; remove one of the two.")
    for section, key, advice in removed_keys(table):
        raise ConfigError(f"{path} [{section}]: {key}: {advice}.")

    def report(section: str, text: str) -> None:
        warnings.warn(f"{path} [{section}]: {text}.", SettingsWarning, stacklevel=4)

    try:
        return Federation.model_validate(with_new_keys(table, report))
    except ValidationError as error:
        raise ConfigError(_first_problem(str(path), error, Federation)) from None


def read_section(settings: Federation, section: type[S]) -> S:
    """Check the task's own section of the settings; raise ConfigError naming section, key and remedy."""
    try:
        return section.model_validate((settings.model_extra or {}).get(settings.task, {}))
    except ValidationError as error:
        raise ConfigError(_first_problem(f"[{settings.task}]", error, section)) from None


def _first_problem(file: str, error: ValidationError, model: type[Section]) -> str:
    problem = error.errors()[0]
    *section, key = [str(part) for part in problem["loc"]] or [""]
    where = f"{file} [{'.'.join(section)}]" if section else file
    more = f" (Errors after this one: {error.error_count() - 1}.)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(problem["loc"][:-1], model))
        return f"{where}: unknown key {key!r}. Known keys: {known}.{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {key + ': ' if key else ''}{message}.{more}"


def _known_keys(location: tuple[int | str, ...], model: type[Section]) -> list[str]:
    section: Any = model
    for part in location:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = SiteSettings if part == "sites" else annotation
    return list(section.model_fields)
