"""Training one model at many sites: which updates count, in which order, and how they are combined."""

from fedbragg.federation.engines.local import federate
from fedbragg.federation.engines.recorder import RecordingSettings
from fedbragg.federation.ensemble import Ensemble
from fedbragg.federation.progress import FederationOutcome, ProgressEvent
from fedbragg.federation.rules import Rule, register
from fedbragg.federation.trainer import Trainer

__all__ = [
    "Ensemble",
    "FederationOutcome",
    "ProgressEvent",
    "RecordingSettings",
    "Rule",
    "Trainer",
    "federate",
    "register",
]
