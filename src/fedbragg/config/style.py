"""The section [style]: whether sites tell each other how their pictures look."""

from __future__ import annotations

from typing import Literal

from fedbragg.config.section import Section


class StyleSettings(Section):
    """The kind of style that sites share; a site may refuse and still take part."""

    share: Literal["off", "statistics", "spectrum"] = "off"
    """Nothing, the levels of each class, or the amplitudes of the lowest spatial frequencies."""
