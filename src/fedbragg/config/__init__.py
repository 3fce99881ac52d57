"""The settings file of a federation: one TOML file, checked when it is read; unknown keys are refused."""

from fedbragg.config.federation import FederationSettings
from fedbragg.config.privacy import PrivacySettings
from fedbragg.config.section import Name, Section
from fedbragg.config.server import ServerSettings
from fedbragg.config.settings import Federation, load, read_section
from fedbragg.config.sites import SiteSettings
from fedbragg.config.style import StyleSettings
from fedbragg.config.toml import read_toml
from fedbragg.config.training import TrainingSettings

__all__ = [
    "Federation",
    "FederationSettings",
    "Name",
    "PrivacySettings",
    "Section",
    "ServerSettings",
    "SiteSettings",
    "StyleSettings",
    "TrainingSettings",
    "load",
    "read_section",
    "read_toml",
]
