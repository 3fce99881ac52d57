"""The section ``[segments]`` of a settings file."""

from __future__ import annotations

from pydantic import Field, field_validator

from fedbragg.config import Name, Section
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.tasks.segments.instances import Classes


class SegmentsSettings(Section):
    """The classes of a federation, and its start model."""

    names: tuple[Name, ...] = Field(default=CLASSES, min_length=2, max_length=64)
    """The classes by the index that the sites' masks hold; the first is the matrix or the background."""
    boundary: str = "boundary"
    """The class that separates grains; if it is not one of ``names``, grains are not separated."""
    public_pictures: int | None = Field(default=None, ge=0)
    """Simulated micrographs that a start model is trained on; 0 starts at random.

    Left out, the packaged model is the start: classes that it knows by name keep their weights, others start at random.
    """
    public_epochs: int = Field(default=10, ge=0)
    """Passes over the public micrographs."""
    mixed: float = Field(default=0.0, ge=0, lt=1)
    """Share of simulated micrographs in a site's training, besides its own; Ma et al. (2020) take 0.5."""
    drawn: float = Field(default=0.0, ge=0, le=1)
    """Share of a site's training crops that get grey levels drawn at random for each class."""

    @field_validator("names")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is named twice; name each class once")
        return names

    @property
    def classes(self) -> Classes:
        """Return the classes."""
        return Classes(self.names, self.boundary)
