"""The settings file of a federation: one TOML file, checked when it is read; unknown keys are refused."""

from fedbragg.config.federation import FederationSettings
from fedbragg.config.section import Name, Section
from fedbragg.config.server import ServerSettings
from fedbragg.config.settings import Federation, load
from fedbragg.config.sites import SiteSettings
from fedbragg.config.tasks import ModelSettings, PhasesSettings, TrainingSettings
from fedbragg.config.toml import read_toml

__all__ = [
    "Federation",
    "FederationSettings",
    "ModelSettings",
    "Name",
    "PhasesSettings",
    "Section",
    "ServerSettings",
    "SiteSettings",
    "TrainingSettings",
    "load",
    "read_toml",
]
