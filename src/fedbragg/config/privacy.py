"""The section [privacy]: limits on what others learn about a single site, and about a single run or crystal."""

from __future__ import annotations

from pydantic import Field

from fedbragg.config.section import Section


class PrivacySettings(Section):
    """Whether updates are summed under masks, and whether training is differentially private."""

    secure: bool = False
    """Whether the server learns the sum of all sites' updates, and no single one."""
    most_samples: int = Field(default=100_000, ge=1, le=1 << 24)
    """A site's frames count as at most this many; a sum cannot be compared with the sites' median."""
    threshold: int = Field(default=0, ge=0)
    """Sites that must sign and open a sum together; at least a majority of those that trained."""
    step_timeout: float = Field(default=60.0, gt=0)
    """Seconds that a step of the sum waits for a site that is still connected."""
    epsilon: float = Field(default=0.0, ge=0)
    """Most that all updates of a site together may tell about one of its runs or crystals; 0 switches it off."""
    delta: float = Field(default=1e-5, gt=0, lt=0.1)
    """Probability that the promise of epsilon fails; choose it below one over the number of runs or crystals."""
    sampling_rate: float = Field(default=0.25, gt=0, le=1)
    """Probability with which one step of private training takes a run or crystal; an epoch has one over it steps."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Longest gradient of one run or crystal; longer ones are shortened to it."""

    @property
    def private(self) -> bool:
        """Return whether training is differentially private."""
        return self.epsilon > 0

    @property
    def asked(self) -> bool:
        """Return whether the section asks for anything; a version that does not know it may do without if not."""
        return self.secure or self.private
