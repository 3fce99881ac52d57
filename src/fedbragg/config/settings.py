"""The settings file of a federation as a whole: read it, check it, name every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from fedbragg.config.federation import FederationSettings
from fedbragg.config.renames import warn_of_old_keys, with_new_keys
from fedbragg.config.section import Section
from fedbragg.config.server import ServerSettings
from fedbragg.config.sites import SiteSettings
from fedbragg.config.tasks import ModelSettings, PhasesSettings, TrainingSettings
from fedbragg.config.toml import read_toml
from fedbragg.errors import ConfigError


class Federation(Section):
    """The whole file."""

    task: Literal["hits", "phases"] = "hits"
    seed: int = Field(default=1, ge=0, lt=2**63)
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    phases: PhasesSettings = PhasesSettings()
    federation: FederationSettings = FederationSettings()
    server: ServerSettings = ServerSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _read_old_keys(cls, table: Any) -> Any:
        return with_new_keys(table) if isinstance(table, dict) else table

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


def load(path: Path) -> Federation:
    """Read and check a federation's settings; raise ConfigError naming file, section, key and remedy.

    The name of the aggregation rule is checked by ``fedbragg.federation.plan.check_settings``.
    """
    table = read_toml(path, "a federation.toml")
    warn_of_old_keys(path, table)
    structures = table.get("phases", {}).get("structures") if isinstance(table.get("phases"), dict) else None
    if isinstance(structures, list):
        table["phases"]["structures"] = [_relative_to(path.parent, name) for name in structures]
    try:
        return Federation.model_validate(table)
    except ValidationError as error:
        raise ConfigError(_first_problem(path, error)) from None


def _relative_to(folder: Path, name: object) -> object:
    """Return a CIF's path relative to the settings file; anything else unchanged."""
    return str(folder / name) if isinstance(name, str) and name.lower().endswith(".cif") else name


def _first_problem(path: Path, error: ValidationError) -> str:
    problem = error.errors()[0]
    *section, key = [str(part) for part in problem["loc"]] or [""]
    where = f"{path} [{'.'.join(section)}]" if section else str(path)
    more = f" (Errors after this one: {error.error_count() - 1}.)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(problem["loc"][:-1]))
        return f"{where}: unknown key {key!r}. Known keys: {known}.{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {key + ': ' if key else ''}{message}.{more}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Federation
    for part in location:
        if isinstance(part, str):
            annotation = section.model_fields[part].annotation
            section = SiteSettings if part == "sites" else annotation
    return list(section.model_fields)
