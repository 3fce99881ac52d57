"""Watch a run for drift: frames unlike those that the model was calibrated on, for which nothing is guaranteed.

A sliding window of frames is tested against the calibration (`window`) every few frames, as long as the run lasts. The
k-th test of each kind has the false-alarm rate c / (k (k + 1)); these sum to c over a run of any length.

The state depends on the last window and on the number of frames only. So a monitor that is given the verdicts of an
interrupted run (`DriftMonitor.restore`) continues as if the run had not been interrupted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fedbragg.screening.drift.levels import is_outside
from fedbragg.screening.drift.window import Excess, SeenFrame, WindowTests
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.types import Verdict

TEST_ERROR = 0.0025 * 2 / 3
"""False-alarm rate of each of the three tests over a run; with the errors of the calibration itself it is 1 %."""
REASON = "drift:"
"""How the reason of a verdict begins where the frame is kept because of drift."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """When the window is tested, and what an alarm causes."""

    window: int = 500  # frames compared with the calibration
    fewest: int = 50  # frames before the first test
    every: int = 10  # frames from one test to the next
    relief: float = 0.7  # an alarm ends when the excess falls to this share of the limit
    fail_safe: bool = True  # keep every frame during an alarm; otherwise only warn


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stretch of the run that is unlike the calibration."""

    start: int  # position in the run of the frame at which the alarm began
    reason: str
    end: int | None = None  # position of the first frame after it; None while it lasts


@dataclass
class DriftMonitor:
    """Watches one run; give each verdict to `see`, in order."""

    calibration: Calibration
    settings: DriftSettings = field(default_factory=DriftSettings)
    warn: Callable[[str], None] = lambda line: None  # called with one line when an alarm begins or ends
    position: int = 0  # verdicts seen
    scored: int = 0  # of these, with a score
    alarms: list[Alarm] = field(default_factory=list)
    kept: int = 0  # frames that are kept only because of drift

    def __post_init__(self) -> None:
        """Prepare the tests."""
        self._tests = WindowTests.of(self.calibration)
        self._window: deque[SeenFrame] = deque(maxlen=self.settings.window)

    @property
    def alarmed(self) -> bool:
        """Return whether an alarm lasts."""
        return bool(self.alarms) and self.alarms[-1].end is None

    def see(self, verdict: Verdict) -> Verdict:
        """Return the verdict, with ``keep`` set where drift is a reason and the settings are fail-safe."""
        message = self._observe(verdict)
        if message:
            self.warn(message)
        return self._kept_in_drift(verdict)

    def restore(self, verdict: Verdict) -> None:
        """Count a verdict of an earlier session, read from its table; no warning is repeated."""
        self._observe(verdict)
        self.kept += verdict.reason.startswith(REASON)

    def warn_if_alarmed(self) -> None:
        """Warn of an alarm that began in an earlier session and still lasts."""
        if self.alarmed:
            alarm = self.alarms[-1]
            self.warn(
                f"DRIFT since frame {alarm.start} of the run: {alarm.reason}. The promise does not hold."
            )

    def _observe(self, verdict: Verdict) -> str:
        """Add a frame to the window and return the warning that it causes; empty for none."""
        message = ""
        if verdict.score is not None:
            outside = is_outside(verdict.background, self.calibration.levels)
            self._window.append(SeenFrame(verdict.score, verdict.background, outside))
            self.scored += 1
            if self.scored % self.settings.every == 0 and self.scored >= self.settings.fewest:
                message = self._test()
        self.position += 1
        return message

    def _test(self) -> str:
        number = self.scored // self.settings.every
        error = TEST_ERROR / (number * (number + 1))
        worst = self._tests.largest_excess(self._window, error)
        if self.alarmed:
            return self._end_alarm() if worst.ratio <= self.settings.relief else ""
        return self._begin_alarm(worst) if worst.ratio > 1 else ""

    def _begin_alarm(self, excess: Excess) -> str:
        self.alarms.append(Alarm(self.position, excess.reason))
        if self.settings.fail_safe:
            effect = "keeping every frame until it is back"
        else:
            effect = "frames are still dropped (--no-fail-safe)"
        return f"DRIFT at frame {self.position} of the run: {excess.reason}. The promise does not hold; {effect}."

    def _end_alarm(self) -> str:
        self.alarms[-1] = replace(self.alarms[-1], end=self.position)
        return f"frame {self.position} of the run: back in the calibrated range."

    def _kept_in_drift(self, verdict: Verdict) -> Verdict:
        if verdict.keep or not self.settings.fail_safe:
            return verdict
        if is_outside(verdict.background, self.calibration.levels):
            reason = f"background of {verdict.background:g} counts a pixel was never calibrated"
        elif self.alarmed:
            reason = f"run is out of the calibrated range since its frame {self.alarms[-1].start}"
        else:
            return verdict
        self.kept += 1
        return replace(verdict, keep=True, reason=f"{REASON} {reason}")
