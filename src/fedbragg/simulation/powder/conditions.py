"""Under what conditions patterns are simulated; docs/decisions/0060 says where each range comes from."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Ranges to draw from; pairs of lowest and highest unless another meaning is said."""

    wavelength: float = 0.5608  # angstrom
    two_theta: Range = (4.5, 25.0)  # degrees that the pattern covers, before it may be cut
    step: Range = (0.008, 0.02)  # degrees between points
    presence: float = 0.5  # chance of each phase, traces included
    cell_spread: float = 0.0035  # standard deviation of each free axis, relative
    zero_spread: float = 0.03  # standard deviation of the zero shift, degrees two-theta
    grain_shift: float = 0.02  # largest standard deviation of a line's own shift, degrees
    instrument_width: Range = (0.03, 0.14)  # degrees, FWHM
    size: Range = (80.0, 3000.0)  # angstrom, crystallites, log-uniform
    microstrain: Range = (0.0, 0.004)  # FWHM of the spacings, relative
    grains: Range = (0.3, 300.0)  # in the beam, log-uniform
    orientation: Range = (0.4, 2.5)  # March and Dollase's r, log-uniform
    strength: Range = (2.0, 1000.0)  # strongest line over the noise of one point, log-uniform
    counts: Range = (30.0, 1e5)  # background counts at a point, log-uniform
    ripple: Range = (0.0, 0.03)  # unevenness of neighbouring points, share of the background
    spike_strength: Range = (5.0, 3000.0)  # over the noise of one point, log-uniform
    strays: int = 6  # most spikes of unknown origin
    diamond: float = 0.5  # chance of each reflection of the anvils
    strangers: float = 1 / 3  # chance of phases that nobody asks for
    masked: float = 0.5  # chance that spots were masked before integration
    mask_leaves: float = 0.2  # chance of a spike to stay in a masked pattern, at a tenth of its strength
    cut: float = 1 / 6  # chance that up to a quarter of the range is missing
