"""The section [privacy]: what the server may learn of a single site."""

from __future__ import annotations

from pydantic import Field

from fedbragg.config.section import Section


class PrivacySettings(Section):
    """Whether updates are summed under masks, and how (docs/explanations/who-learns-what.md)."""

    secure: bool = False
    """Whether the server learns the sum of all sites' updates, and no single one."""
    most_samples: int = Field(default=100_000, ge=1, le=1 << 24)
    """A site's frames count as at most this many; a sum cannot be compared with the sites' median."""
    threshold: int = Field(default=0, ge=0)
    """Sites that must sign and open a sum together; 0, and whatever is less, is a majority of those that trained."""
    step_timeout: float = Field(default=60.0, gt=0)
    """Seconds that a step of the sum waits for a site that is still connected."""
