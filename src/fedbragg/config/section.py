"""The base of all sections of a settings file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""The name of a site or an account; it is also part of file names."""


class Section(BaseModel):
    """Refuse unknown keys, and changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
