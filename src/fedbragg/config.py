"""The settings file of a federation: one TOML file, checked once, unknown keys refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fedbragg.errors import ConfigError
from fedbragg.old_settings import moved_to_the_task

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


Aggregation = Literal[
    "fedavg",
    "fedavg_uniform",
    "fedkl",
    "feddisco",
    "fedprox",
    "fedpaq",
    "fedboost",
    "fedbuff",
    "fedasync",
    "median",
    "trimmed_mean",
    "krum",
]
"""The rules by which the sites' updates become one model; docs/reference/federation.md tells them apart."""

ROBUST = ("median", "trimmed_mean", "krum")
"""The rules that hold out against a minority of broken or hostile sites."""


class Section(BaseModel):
    """Refuse unknown keys and changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingSettings(Section):
    """How one site trains."""

    warmup_epochs: int = Field(default=15, ge=1)
    """Passes over the site's frames before its first update (FedKL, section 4)."""
    epochs: int = Field(default=5, ge=1)
    """Passes before each later update (FedKL, section 4)."""
    batch: int = Field(default=16, ge=1)
    """Frames in a step of the optimiser."""
    learning_rate: float = Field(default=1e-3, gt=0)
    proximal_mu: float = Field(default=0.0, ge=0)
    """FedProx's pull towards the global model; 0 is none."""
    validation_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of each site's frames, the last in time, that never trains."""


class FederationSettings(Section):
    """How the sites' updates become one model."""

    aggregation: Aggregation = "fedkl"
    schedule: Literal["sync", "async", "hybrid"] = "hybrid"
    barriers: int = Field(default=6, ge=1)
    """Synchronous aggregates after which the federation ends at the latest."""
    stop_threshold: float = Field(default=0.0, ge=0)
    """End when the mean loss fell by less than this between two barriers; 0 never ends early."""
    deadline: float = Field(default=3600.0, gt=0)
    """Seconds that a barrier waits for the slowest site."""
    engine: Literal["local", "nvflare"] = "local"
    """Sites in this process, or real ones (docs/how-to/real-sites.md)."""
    staleness: Literal["constant", "polynomial", "hinge"] = "polynomial"
    """How an update loses weight while the model it started from grows old (FedAsync, section 5.2)."""
    staleness_exponent: float = Field(default=0.5, ge=0)
    """Steepness of that loss; 0.5 with polynomial is FedBuff's 1/sqrt(1 + staleness)."""
    buffer: int = Field(default=1, ge=1)
    """Updates gathered before an asynchronous step (FedBuff); 1 steps on each arrival."""
    norm_factor: float = Field(default=10.0, gt=1)
    """An update longer than this many times the others' median is refused."""
    sample_factor: float = Field(default=10.0, ge=1)
    """A site's frames count as at most this many times the sites' median."""
    patience: int = Field(default=3, ge=1)
    """Failures in a row after which a site is left out until it joins again."""
    arrival_rate: float = Field(default=1.0, gt=0)
    """Length of an asynchronous step: 1 takes an average site's undamped update whole."""
    mixing: float = Field(default=0.6, gt=0, le=1)
    """FedAsync's share of a site's model in the mixture on its arrival."""
    disco_slope: float = Field(default=0.5, ge=0)
    """FedDisco's a: what a site loses for labels unlike the whole federation's."""
    disco_offset: float = Field(default=0.1, ge=0)
    """FedDisco's b: what every site gets."""
    hostile_share: float = Field(default=0.2, ge=0, lt=0.5)
    """Share of sites that trimmed_mean and krum hold out against."""
    boost_rate: float = Field(default=1.0, gt=0)
    """Step of FedBoost's mirror descent on the mixture of predictors."""
    selection: Literal["all", "uniform", "size", "balance", "fedkl"] = "all"
    """By what the sites of a barrier are drawn; weights are corrected so that the expected step is unchanged."""
    cohort: int = Field(default=0, ge=0)
    """Sites drawn for each barrier; 0 takes all."""
    clip: float = Field(default=0.0, ge=0)
    """Longest update that leaves a site; longer ones are shortened to it. 0 leaves them."""
    noise: float = Field(default=0.0, ge=0)
    """Noise that a site adds to each number of its update, in units of clip; see docs/reference/federation.md."""
    keep_norms: bool = False
    """Leave BatchNorm's tensors at each site (FedBN)."""
    travel: Literal["full", "half", "quantised"] = "full"
    """How an update's numbers travel: as they are, in half precision, or in FedPAQ's few bits."""
    travel_bits: Literal[2, 4, 8] = 8
    """Bits a number when quantised."""
    workers: int = Field(default=0, ge=0)
    """Trainings at a time in the local engine; 0 takes one for each core."""

    @model_validator(mode="after")
    def _rules_fit_the_schedule(self) -> FederationSettings:
        if self.schedule == "async" and self.aggregation in ROBUST:
            raise ValueError(
                f"{self.aggregation} compares sites, which async never does; take hybrid or sync"
            )
        if self.schedule != "sync" and self.aggregation == "fedboost":
            raise ValueError('fedboost learns a mixture round by round; set schedule = "sync"')
        if self.noise and not self.clip:
            raise ValueError("noise hides nothing in updates of any length; set clip too")
        return self


class ServerSettings(Section):
    """Where real sites meet, and how long anybody waits there; the local engine needs none of it."""

    address: str = Field(default="", pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5})?$")
    """``host:port`` of the server, as sites and coordinator reach it; its certificate bears the host's name."""
    observers: tuple[Name, ...] = ()
    """Accounts that may look at a federation and nothing else."""
    contact: float = Field(default=2.0, gt=0)
    """Seconds between two signs of life of a site."""
    lost: float = Field(default=60.0, gt=0)
    """Seconds of silence after which a site counts as gone until it is heard of again."""
    training: float = Field(default=0.0, ge=0)
    """Seconds that one training may take at a site before its trainer is stopped; 0 takes the deadline."""
    answer: float = Field(default=120.0, gt=0)
    """Seconds without progress after which a message is given up, to be sent again."""
    away: float = Field(default=600.0, gt=0)
    """Seconds that the coordinator's command waits for a server that does not answer."""
    preparation: float = Field(default=7200.0, gt=0)
    """Seconds that the server may take for the start model."""

    @field_validator("address")
    @classmethod
    def _port_exists(cls, address: str) -> str:
        if address and not 0 < int(address.rsplit(":", 1)[1]) < 65536:
            raise ValueError("a port is a number from 1 to 65535")
        return address


class SiteSettings(Section):
    """One facility: its name, and where its frames and labels lie on its own disks."""

    name: Name
    runs: tuple[str, ...] = Field(default=(), min_length=1)
    """Files, globs or folders; relative ones are seen from the settings file. A real site keeps them to itself."""
    labels: str = ""
    """Table ``path,frame,label``; relative ones are seen from the settings file. A real site keeps it to itself."""
    speed: float = Field(default=1.0, gt=0)
    """Training speed relative to the other sites; orders the arrivals in the local engine."""


class Federation(Section):
    """The whole file, but for the task's own section, which the task checks (read_section)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    task: Name = "hits"
    """What is learnt; the section of the same name holds the task's own settings."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    training: TrainingSettings = TrainingSettings()
    federation: FederationSettings = FederationSettings()
    server: ServerSettings = ServerSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _old_keys(cls, table: Any) -> Any:
        return moved_to_the_task(table) if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _only_the_tasks_section(self) -> Federation:
        unknown = [name for name in self.model_extra or {} if name != self.task]
        if unknown:
            known = ", ".join((*type(self).model_fields, self.task))
            raise ValueError(f"unknown key {unknown[0]!r}. Known keys: {known}")
        return self

    @model_validator(mode="after")
    def _fedprox_pulls(self) -> Federation:
        if self.federation.aggregation == "fedprox" and not self.training.proximal_mu:
            raise ValueError("fedprox needs a pull; set proximal_mu in [training], 0.01 for a start")
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
            raise ValueError(f"two sites are named {sorted(doubled)[0]!r}; give each a name of its own")
        return self


def load(path: Path) -> Federation:
    """Read and check a federation's settings; raise ConfigError naming file, section, key and remedy."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Give the path of a federation.toml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). Give the path of a federation.toml.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}.") from None
    try:
        return Federation.model_validate(table)
    except ValidationError as error:
        raise ConfigError(_first_problem(str(path), error, Federation)) from None


S = TypeVar("S", bound=Section)


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
    more = f" ({error.error_count() - 1} more to mend after it.)" if error.error_count() > 1 else ""
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
