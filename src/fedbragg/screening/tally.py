"""What a screening comes to: counts, rates, and the frames worth a look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedbragg.types import Verdict

REASONS_SHOWN = 3


@dataclass
class Tally:
    """Counts verdicts as they pass; 16 bytes a frame, however long the run."""

    threshold: float
    scores: list[float] = field(default_factory=list)  # NaN where there is none
    kept_flags: list[bool] = field(default_factory=list)
    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)  # of the first unreadable frames

    def watch(self, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        """Pass verdicts through, counting."""
        for verdict in verdicts:
            self.scores.append(float("nan") if verdict.score is None else verdict.score)
            self.kept_flags.append(verdict.keep)
            if verdict.score is None:
                self.unreadable += 1
                if len(self.reasons) < REASONS_SHOWN:
                    self.reasons.append(f"{verdict.path} frame {verdict.index}: {verdict.reason}")
            yield verdict

    @property
    def frames(self) -> int:
        """Return the number of frames counted."""
        return len(self.scores)

    @property
    def kept(self) -> int:
        """Return the number of frames kept."""
        return sum(self.kept_flags)

    @property
    def hit_rate(self) -> float:
        """Return the share of the scored frames that are kept; NaN where none was scored."""
        scored = self.frames - self.unreadable
        return (self.kept - self.unreadable) / scored if scored else float("nan")

    def best(self, number: int) -> list[int]:
        """Return the positions of the highest scores, spread over the run among equals."""
        return self._positions(np.argsort(-self._array(), kind="stable"), number)

    def doubtful(self, number: int) -> list[int]:
        """Return the positions of the scores nearest to the threshold."""
        return self._positions(np.argsort(np.abs(self._array() - self.threshold), kind="stable"), number)

    def dropped(self, number: int) -> list[int]:
        """Return the positions of the lowest scores."""
        return self._positions(np.argsort(self._array(), kind="stable"), number)

    def _array(self) -> NDArray[np.float64]:
        return np.array(self.scores, np.float64)

    def _positions(self, order: NDArray[np.intp], number: int) -> list[int]:
        scores = self._array()
        return [int(position) for position in order if not np.isnan(scores[position])][:number]
