"""What is trained and how: the sections [model], [training] and [phases]."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fedbragg.config.section import Section


class ModelSettings(Section):
    """Which network is trained, and how it starts."""

    name: Literal["spotnet"] = "spotnet"
    block: int = Field(default=8, ge=6, le=32)
    """Pixels along the edge of one cell of the view."""
    public_frames: int = Field(default=240, ge=0)
    """Simulated frames with known spots that the coordinator trains on first; 0 starts at random."""
    public_epochs: int = Field(default=30, ge=0)
    """Passes over the public frames."""


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
    hit_weight: float = Field(default=3.0, gt=0)
    """What a hit or maybe counts against a miss, of task hits: a lost hit is worse than a kept miss."""


class PhasesSettings(Section):
    """Which phases a federation with ``task = "phases"`` tells apart."""

    structures: tuple[str, ...] = Field(default=("bastnaesite", "calcite", "rhenium"), min_length=1)
    """Shipped phases by name, others by CIF; relative paths are seen from the settings file."""
    wavelength: float = Field(default=0.5608, gt=0)
    """Angstrom, of the sites' patterns; a file that gives its own overrules it."""
    two_theta: tuple[float, float] | None = None
    """Degrees that the patterns cover; without it q 0.92 to 4.8 1/angstrom."""
    loss: Literal["plain", "positive", "domain", "focal", "uncertainty"] = "plain"
    """The cross-entropy; docs/reference/phases.md tells them apart."""
    one_sided: Literal["ignore", "learn"] = "ignore"
    """What a site learns of a phase that none of its patterns shows, or all: nothing, or "never" ("always")."""
