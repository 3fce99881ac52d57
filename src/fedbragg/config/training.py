"""The section [training]: how one site trains."""

from __future__ import annotations

from pydantic import Field

from fedbragg.config.section import Section
from fedbragg.precision import Precision


class TrainingSettings(Section):
    """How one site trains."""

    warmup_epochs: int = Field(default=15, ge=1)
    """Passes over the site's frames before its first update (FedKL, section 4)."""
    epochs: int = Field(default=5, ge=1)
    """Passes before each later update (FedKL, section 4)."""
    batch: int = Field(default=16, ge=1)
    """Frames in a step of the optimiser."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Of Adam; left out, 0.001, or less from a packaged model (decision 135)."""
    precision: Precision = "float32"
    """In which layers multiply; bfloat16 is faster on processors that have it."""
    fixed_statistics: bool = False
    """Normalise by the model's BatchNorm statistics instead of each batch's (FixBN); for small batches."""
    proximal_mu: float = Field(default=0.0, ge=0)
    """Strength of FedProx's proximal term, which keeps a site near the global model; 0 switches it off."""
    validation_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of each site's frames, the last in time, that is never trained on."""
