"""Training one model at many sites: what counts, in which order, and how it is combined."""

from fedbragg.federation.engines.local import federate
from fedbragg.federation.progress import Outcome, Progress
from fedbragg.federation.trainer import Trainer

__all__ = ["Outcome", "Progress", "Trainer", "federate"]
