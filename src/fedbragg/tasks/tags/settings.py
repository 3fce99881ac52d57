"""The section ``[tags]`` of a settings file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from fedbragg.config import Name, Section
from fedbragg.simulation.scattering.tag_names import TAGS


class TagsSettings(Section):
    """The tags of a federation, and its start model."""

    names: tuple[Name, ...] = Field(default=TAGS, min_length=1)
    """The tags, as the columns of the sites' tables are called; others than the published ones start untrained."""
    one_sided: Literal["ignore", "learn"] = "ignore"
    """Whether a site trains on a tag that all of its annotated images have, or none; "ignore" leaves it out."""
    public_images: int | None = Field(default=None, ge=0)
    """Simulated images that a start model is trained on; 0 starts at random.

    Left out, the packaged model is the start: tags that it knows by name keep their weights, others start at random.
    """
    public_epochs: int = Field(default=4, ge=0)
    """Passes over the public images."""

    @field_validator("names")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is named twice; name each tag once")
        return names
