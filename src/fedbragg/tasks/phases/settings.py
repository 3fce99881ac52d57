"""The section ``[phases]`` of a settings file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from fedbragg.config import Section

LossName = Literal["plain", "tailored", "positive", "domain", "focal", "uncertainty"]
"""The losses to choose from; tasks/phases/losses.py and docs/reference/phases.md explain each."""
OneSided = Literal["ignore", "learn"]


class PhasesSettings(Section):
    """The phases that a federation identifies, and its start model."""

    structures: tuple[str, ...] = ("bastnaesite", "calcite", "rhenium")
    """Shipped phases by name, others by CIF; relative paths start at the settings file."""
    wavelength: float = Field(default=0.5608, gt=0)
    """Angstrom, of the sites' patterns; a wavelength in a file takes precedence."""
    two_theta: tuple[float, float] | None = None
    """Degrees that the patterns cover; the default is q from 0.92 to 4.8 1/angstrom."""
    loss: LossName = "plain"
    """The cross-entropy; docs/reference/phases.md compares them."""
    one_sided: OneSided = "ignore"
    """Whether a site trains on a phase that all of its patterns show, or none: "learn", or "ignore"."""
    public_patterns: int | None = Field(default=None, ge=0)
    """Simulated patterns that a start model is trained on; 0 starts at random.

    Left out, the packaged model is the start where it has the same phases and grid, else one trained on 240 patterns.
    """
    public_epochs: int = Field(default=30, ge=0)
    """Passes over the public patterns."""

    @field_validator("structures")
    @classmethod
    def _at_least_one(cls, structures: tuple[str, ...]) -> tuple[str, ...]:
        if not structures:
            raise ValueError("the list is empty; name at least one structure")
        return structures

    @field_validator("two_theta", mode="before")
    @classmethod
    def _two_numbers(cls, value: Any) -> Any:
        pair = value if isinstance(value, list | tuple) else ()
        if value is not None and [isinstance(angle, int | float) for angle in pair] != [True, True]:
            raise ValueError(f"{value!r} is not a range; give [LOW, HIGH] in degrees")
        return value
