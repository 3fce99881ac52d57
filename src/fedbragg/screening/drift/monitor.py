"""Drift: what is screened has left what the model was calibrated on, so the promise has nothing to rest on.

Three things are watched in a sliding window: how many frames have a background level that the calibration never saw
(`drift_levels`, a binomial test), and how far scores and levels are from any mixture of its hits and misses
(`drift_mixture`, Kolmogorov-Smirnov tests). All are made every few frames for as long as the run lasts. The k-th time
each may raise a false alarm with a chance of c / (k (k + 1)); these sum to c over a run of any length.

A state is what the last window and the number of frames seen make of it, so a run that was cut goes on as if it had not
been when the verdicts so far are shown again (`replay`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.metrics.autocorrelation import independent
from fedbragg.screening.drift.levels import unseen
from fedbragg.screening.drift.mixture import Mixtures, distance, dkw, mixtures
from fedbragg.screening.guarantee.risk import binomial_tail
from fedbragg.screening.outputs.tables import DECIMALS
from fedbragg.tasks.hits.calibration_card import Calibration, Spread
from fedbragg.types import Verdict

WINDOW_ERROR = 0.0025 * 2 / 3
"""Chance that each of the three tests raises a false alarm in a run; with the calibration's own errors, 1 % in all."""


REASON = "drift:"
"""How a verdict's reason starts where drift is why the frame is kept."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """How the watch is kept."""

    window: int = 500  # frames compared with the calibration
    fewest: int = 50  # frames from which the start of a run is compared
    every: int = 10  # frames from one test to the next
    slack_scores: float = 0.1  # share of the frames whose scores may lie elsewhere before it matters
    slack_levels: float = 0.2  # the same of background levels, which wander more without harm
    relief: float = 0.7  # share of a limit below which an alarm ends
    fail_safe: bool = True  # keep every frame while out of range; otherwise only say so


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stretch of the run that was out of range."""

    start: int  # position in the run of the frame at which it was noticed
    reason: str
    end: int | None = None  # position of the first frame that is in range again; None where none is


@dataclass
class Drift:
    """The watch over one run; `see` each verdict in order."""

    calibration: Calibration
    settings: DriftSettings = field(default_factory=DriftSettings)
    tell: Callable[[str], None] = lambda line: None
    position: int = 0  # verdicts seen
    scored: int = 0  # of these, with a score
    alarms: list[Alarm] = field(default_factory=list)
    kept: int = 0  # frames kept for no other reason than drift
    window: deque[tuple[float, float | None, bool]] = field(
        init=False
    )  # score, level, whether that is unseen
    known_scores: Mixtures | None = field(init=False)
    known_levels: Mixtures | None = field(init=False)

    def __post_init__(self) -> None:
        self.window = deque(maxlen=self.settings.window)
        self.known_scores = self._known(self.calibration.scores)
        self.known_levels = self._known(self.calibration.levels.spread)

    def _known(self, spread: Spread) -> Mixtures | None:
        promise = self.calibration.promise
        return mixtures(spread, promise.hits, promise.misses) if spread.values else None

    @property
    def alarmed(self) -> bool:
        """Say whether the run is out of range."""
        return bool(self.alarms) and self.alarms[-1].end is None

    def see(self, verdict: Verdict) -> Verdict:
        """Return the verdict, kept where the frame or the run is out of range and the watch is fail-safe."""
        if verdict.score is None:
            self.position += 1
            return verdict
        strange = unseen(verdict.background, self.calibration.levels)
        score = round(verdict.score, DECIMALS)  # as the table has it, so that a replay sees the same
        self.window.append((score, verdict.background, strange))
        self.scored += 1
        if self.scored % self.settings.every == 0 and self.scored >= self.settings.fewest:
            self._test()
        self.position += 1
        return self._kept(verdict, strange)

    def _kept(self, verdict: Verdict, strange: bool) -> Verdict:
        if verdict.keep or not self.settings.fail_safe or not (strange or self.alarmed):
            return verdict
        self.kept += 1
        reason = (
            f"{REASON} background of {verdict.background:g} counts a pixel was never calibrated"
            if strange
            else f"{REASON} run is out of the calibrated range since its frame {self.alarms[-1].start}"
        )
        return replace(verdict, keep=True, reason=reason)

    def _test(self) -> None:
        test = self.scored // self.settings.every
        error = WINDOW_ERROR / (test * (test + 1))
        excess, reason = max(self._unseen(error), self._scores(error), self._levels(error))
        if self.alarmed:
            if excess <= self.settings.relief:
                self.alarms[-1] = replace(self.alarms[-1], end=self.position)
                self.tell(f"frame {self.position} of the run: back in the calibrated range.")
        elif excess > 1:
            self.alarms.append(Alarm(self.position, reason))
            outcome = (
                "keeping every frame until it is back"
                if self.settings.fail_safe
                else "frames are still dropped (--no-fail-safe)"
            )
            self.tell(
                f"DRIFT at frame {self.position} of the run: {reason}. The promise does not hold; {outcome}."
            )

    def _unseen(self, error: float) -> tuple[float, str]:
        """Return how many frames have an unseen level, over how many may, and what to say of it."""
        strange = [level for _, level, is_strange in self.window if is_strange and level is not None]
        share = self.calibration.levels.outside
        if len(strange) <= share * len(self.window):
            return 0.0, ""
        ranges = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in self.calibration.levels.ranges)
        reason = (
            f"{len(strange)} of the last {len(self.window)} frames have backgrounds that were never calibrated "
            f"(median {float(np.median(strange)):.4g} counts a pixel; calibrated {ranges})"
        )
        return len(strange) / most_outside(len(self.window), share, error), reason

    def _scores(self, error: float) -> tuple[float, str]:
        """Return how far the scores are from hits and misses as calibrated, over how far they may be."""
        scores = np.array([score for score, _, _ in self.window])
        return _apart(scores, self.known_scores, self.settings.slack_scores, error, "scores")

    def _levels(self, error: float) -> tuple[float, str]:
        """Return the same for the background levels."""
        levels = np.array([level for _, level, _ in self.window if level is not None])
        return _apart(levels, self.known_levels, self.settings.slack_levels, error, "backgrounds")


def _apart(
    values: NDArray[np.float64], known: Mixtures | None, slack: float, error: float, name: str
) -> tuple[float, str]:
    """Return a window's distance from any mixture over the distance that may be, and what to say of it."""
    if known is None or not len(values):
        return 0.0, ""
    away = distance(values, known)
    reason = (
        f"the {name} of the last {len(values)} frames are no mixture of calibrated hits and misses, whatever the hit "
        f"rate: {100 * max(away, 0):.0f} % lie elsewhere"
    )
    return away / (dkw(independent(len(values), known.apart), error) + slack), reason


def watch(verdicts: Iterable[Verdict], drift: Drift) -> Iterator[Verdict]:
    """Yield the verdicts in order, as the watch leaves them."""
    return map(drift.see, verdicts)


def replay(verdicts: Iterable[Verdict], drift: Drift) -> None:
    """Bring a new watch to where it was after these verdicts, read back from a table; say at the end only if it is out.

    What drift alone has kept counts again: the verdicts say why they were kept.
    """
    tell, drift.tell = drift.tell, lambda line: None
    for verdict in verdicts:
        drift.see(verdict)
        drift.kept += verdict.reason.startswith(REASON)
    drift.tell = tell
    if drift.alarmed:
        last = drift.alarms[-1]
        tell(f"DRIFT since frame {last.start} of the run: {last.reason}. The promise does not hold.")


def most_outside(frames: int, share: float, error: float) -> int:
    """Return how many of the frames may lie outside: more come with a chance of ``error`` at most."""
    low, high = math.floor(frames * share), frames
    while low < high:
        middle = (low + high) // 2
        more = binomial_tail(frames - middle - 1, frames, 1 - share)  # P(outside >= middle + 1)
        low, high = (low, middle) if more <= error else (middle + 1, high)
    return max(low, 1)
