"""The sections [[sites]]: one facility each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fedbragg.config.section import Name, Section

DEVICE = r"^(cpu|auto|cuda(:\d+)?)$"


class SiteSettings(Section):
    """One facility: its name, and where its frames and labels are on its own disks."""

    name: Name
    runs: tuple[str, ...] = Field(default=(), min_length=1)
    """Files, globs or folders, relative to the settings file. A real site names them in its own file."""
    labels: str = ""
    """Table ``path,frame,label``, relative to the settings file. A real site names it in its own file."""
    share_style: bool = True
    """Whether it lets others know how its pictures look, where [style] asks for it."""
    unit: Literal["file", "frame"] = "file"
    """The frames of one run or crystal where the labels have no column crystal: a file, or one frame, as with a jet."""
    largest_fall: float | None = Field(default=None, ge=0)
    """How much worse than the best accepted model a new one may be on the held-out examples; None: not judged.

    For the local engine; a real site sets it in [limits] of its own file.
    """
    device: str = Field(default="cpu", pattern=DEVICE)
    """Where it trains: cpu, cuda, cuda:N, or auto for a GPU where there is one.

    For the local engine; a real site's trainer uses a GPU where [limits] gpu of its own file allows it.
    """
    network: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")
    """The network that this site trains, where sites run different ones; empty takes that of the task's section."""
    speed: float = Field(default=1.0, gt=0)
    """Training speed relative to the other sites; orders the arrivals in the local engine."""
