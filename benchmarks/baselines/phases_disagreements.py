"""Where the shipped model, the file names and the lines disagree: tables, and a page of plots."""

from __future__ import annotations

import base64
import html
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from baselines.phases_by_lines import Finding
from baselines.phases_judging import KINDS, LINES, SETTINGS, WAVELENGTH, Measured
from fedbragg.report.phases import Found, colour_of, write_plot
from fedbragg.simulation.powder import SHIPPED
from fedbragg.tasks import phases
from fedbragg.tasks.phases.model_file import Identified, Identifier
from harness import Table

PAGE = Path(
    os.environ.get("FEDBRAGG_PAGE", Path(tempfile.gettempdir()) / "fedbragg-phases-disagreements.html")
)
"""The plots hold measured data, so they are written outside the repository."""
WORDS = {1.0: "shown", 0.0: "absent", -1.0: "open"}
THRESHOLD = 0.5


@dataclass(frozen=True)
class Disagreement:
    """A pattern about whose phase the model and the name disagree."""

    measured: Measured
    kind: str
    pattern: int  # position
    phase: int
    answer: Identified

    @property
    def probability(self) -> float:
        """Return the model's probability of the phase."""
        return float(self.answer.probabilities[self.phase])

    @property
    def finding(self) -> Finding:
        """Return the verdict of the phase's lines."""
        return self.measured.found[self.pattern][self.phase]

    @property
    def named(self) -> float:
        """Return 1 if the name says that the phase is present, else 0."""
        return float(self.measured.truth["names"][self.pattern, self.phase])

    @property
    def verdict(self) -> str:
        """Return which of model and name the lines support."""
        if self.finding.label < 0:
            return "open"
        return "model" if self.finding.label != self.named else "name"


def identified(views: np.ndarray, *, raw: bool = False) -> np.ndarray:
    """Return the shipped model's probabilities (patterns, phases); ``raw`` leaves its calibration out."""
    answers = [_shipped()(view) for view in views]
    return np.array([answer.scores if raw else answer.probabilities for answer in answers])


@lru_cache(maxsize=1)
def _shipped() -> Identifier:
    return Identifier(phases.default_model())


def labelled(measured: dict[str, Measured]) -> Table:
    """Count the verdicts of the lines on the patterns with this name."""
    listed = []
    for kind in KINDS:
        names, lines = (measured[kind].truth[labels] for labels in ("names", "lines"))
        for k, phase in enumerate(SHIPPED):
            for named in (1.0, 0.0):
                counts = [int(((names[:, k] == named) & (lines[:, k] == label)).sum()) for label in WORDS]
                listed.append([kind, phase, "present" if named else "absent", *map(str, counts)])
    columns = ("patterns", "phase", "by its name", *(f"{word} by its lines" for word in WORDS.values()))
    return Table("Names and lines of the 72 measured patterns", columns, listed)


def disagreements(measured: dict[str, Measured]) -> Table:
    """List where the shipped model and the name disagree, with the verdict of the lines; plot those patterns."""
    found = list(_found(measured))
    _write_page(found)
    listed = [
        [
            one.kind, one.measured.files[one.pattern].stem, SHIPPED[one.phase],
            "present" if one.named else "absent", f"{one.probability:.2f}", WORDS[one.finding.label],
            _heights(one.finding), one.verdict,
        ]
        for one in found
    ]  # fmt: skip
    columns = (
        "patterns", "file", "phase", "by its name", "model", "by its lines",
        "own lines, strongest first: standard deviations (share of the plot, %)", "lines support",
    )  # fmt: skip
    counts = {verdict: sum(one.verdict == verdict for one in found) for verdict in ("model", "name", "open")}
    note = (
        f"{len(found)} of {2 * 3 * len(measured[KINDS[0]].number)} answers disagree with the name; the lines support "
        f"the model in {counts['model']}, the name in {counts['name']}, and are open in {counts['open']}."
    )
    return Table("Where the shipped model and the names disagree", columns, listed, [note])


def _found(measured: dict[str, Measured]) -> Iterator[Disagreement]:
    model = _shipped()
    for kind in KINDS:
        one = measured[kind]
        for pattern, view in enumerate(one.views):
            answer = model(view)
            wrong = (answer.probabilities >= THRESHOLD) != (one.truth["names"][pattern] > 0)
            for phase in np.flatnonzero(wrong):
                yield Disagreement(one, kind, pattern, int(phase), answer)


def _heights(finding: Finding) -> str:
    pairs = zip(finding.significance, finding.share, strict=True)
    return ", ".join(f"{significance:.0f} ({100 * share:.0f})" for significance, share in pairs)


def _write_page(found: list[Disagreement]) -> None:
    """Write a page that plots each pattern with all phases' lines; the figure beside a phase is the model's."""
    sections = [
        f"<h2>{html.escape(_title(one))}</h2><img src='data:image/png;base64,{_plot(one)}'>" for one in found
    ]
    PAGE.write_text(
        "<!doctype html><meta charset='utf-8'><title>Phases</title>" + "\n".join(sections), "utf-8"
    )
    print(f"plots: {PAGE}")


def _title(one: Disagreement) -> str:
    said = "present" if one.named else "absent"
    return (
        f"{one.kind} {one.measured.files[one.pattern].stem}, {SHIPPED[one.phase]}: name {said}, model "
        f"{one.probability:.2f}, lines {WORDS[one.finding.label]}"
    )


def _plot(one: Disagreement) -> str:
    probabilities, found = one.answer.probabilities, one.measured.found[one.pattern]
    drawn = [
        Found(lines, float(probabilities[k]), found[k].strain, colour_of(k)) for k, lines in enumerate(LINES)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plot.png"
        limits = (SETTINGS.q_low, SETTINGS.q_high)
        write_plot(path, one.measured.patterns[one.pattern], drawn, limits, WAVELENGTH)
        return base64.b64encode(path.read_bytes()).decode()
