"""The conditions under which patterns are simulated; docs/decisions/0060 gives the source of each range."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PowderConditions:
    """Ranges that each pattern is drawn from; a pair is (lowest, highest)."""

    wavelength: float = 0.5608  # angstrom
    two_theta: Range = (4.5, 25.0)  # degrees, the range of a whole pattern
    step: Range = (0.008, 0.02)  # degrees between points
    presence: float = 0.5  # probability of each phase, traces included
    cell_spread: float = 0.0035  # relative standard deviation of each free axis
    zero_spread: float = 0.03  # degrees two-theta, standard deviation of the zero shift
    grain_shift: float = 0.02  # degrees, largest standard deviation of a single line's shift
    instrument_width: Range = (0.03, 0.14)  # degrees, FWHM
    size: Range = (80.0, 3000.0)  # angstrom, of crystallites, log-uniform
    microstrain: Range = (0.0, 0.004)  # relative FWHM of the spacings
    grains: Range = (0.3, 300.0)  # number in the beam, log-uniform
    orientation: Range = (0.4, 2.5)  # March and Dollase's r, log-uniform
    strength: Range = (2.0, 1000.0)  # strongest line over the noise of one point, log-uniform
    counts: Range = (30.0, 1e5)  # background counts at a point, log-uniform
    ripple: Range = (0.0, 0.03)  # correlated noise of neighbouring points, share of the background
    spike_strength: Range = (5.0, 3000.0)  # over the noise of one point, log-uniform
    strays: int = 6  # largest number of spikes of stray grains
    diamond: float = 0.5  # probability of each reflection of the diamond anvils
    unlisted: float = 1 / 3  # probability of phases outside the list
    masked: float = 0.5  # probability that spots were masked before integration
    mask_leaves: float = 0.2  # probability that a masked pattern keeps a spike, at a tenth of its strength
    cut: float = 1 / 6  # probability that up to a quarter of the range is missing at one end
