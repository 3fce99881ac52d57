"""The data that pass between the parts of fedbragg, with shape and unit beside each field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[Any]
"""(rows, cols) integers as the detector wrote them: uint8 to uint32, int8 to int32; float32 for averages."""

Panels = tuple[tuple[int, int, int, int], ...]
"""The rectangles of a frame that are panels of their own, in pixels: first row, row after the last, columns alike."""

Result = TypeVar("Result")

State = Mapping[str, NDArray[Any]]
"""A model's named tensors, or the difference of two models."""


class Label(StrEnum):
    """An expert's label of a frame."""

    HIT = "hit"
    MAYBE = "maybe"
    MISS = "miss"

    @property
    def positive(self) -> bool:
        """Return whether the label counts as a hit; maybe does, as in the FedKL paper (Xu et al. 2022)."""
        return self is not Label.MISS


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a detector: where it is in a frame, and where it stood; the beam goes through x = y = 0."""

    name: str
    rows: tuple[int, int]  # pixel, the first and the one after the last
    cols: tuple[int, int]  # pixel
    corner: tuple[float, float]  # pixel, x and y of the panel's first pixel
    fast: tuple[float, float]  # x and y of a step along a row, in pixels
    slow: tuple[float, float]  # x and y of a step down the rows, in pixels
    pixel: float  # metre, along a pixel's edge
    distance: float | None = None  # metre, sample to panel

    def holds(self, row: NDArray[Any], col: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which of a frame's rows and columns are on this panel."""
        inside: NDArray[np.bool_] = (row >= self.rows[0]) & (row < self.rows[1])
        return inside & (col >= self.cols[0]) & (col < self.cols[1])

    def position(self, row: NDArray[Any], col: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return x and y in pixels of a frame's rows and columns on this panel."""
        along, down = col - self.cols[0], row - self.rows[0]
        x = self.corner[0] + self.fast[0] * along + self.slow[0] * down
        y = self.corner[1] + self.fast[1] * along + self.slow[1] * down
        return x, y


@dataclass(frozen=True, slots=True)
class Geometry:
    """The geometry of the measurement; a field that the file does not give is None."""

    detector: str | None = None  # the manufacturer's description
    wavelength: float | None = None  # angstrom
    distance: float | None = None  # metre, sample to detector
    beam_centre: tuple[float, float] | None = None  # pixel, (column, row)
    pixel_size: tuple[float, float] | None = None  # metre, (column, row)
    panels: tuple[Panel, ...] = ()  # where the detector is no plane; then centre and pixel size are theirs


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One detector exposure."""

    counts: Counts  # (rows, cols), as the file has them: no copy, no float
    mask: NDArray[np.bool_]  # (rows, cols), True = ignore this pixel; shared by frames whose mask is the same
    path: str  # the file as the user can open it
    index: int  # position in that file, from 0
    event: str = (
        ""  # CrystFEL's name of the frame in its file: //3, data_000002//3; empty where the file is the frame
    )
    panels: Panels = ()  # empty where the whole frame is one
    beam_centre: tuple[float, float] | None = (
        None  # pixel, (column, row); None where the file does not give it
    )
    saturation: float | None = None  # highest trusted count; None where the file does not give it
    placed: tuple[
        Panel, ...
    ] = ()  # the panels with their places about the beam; empty where these are not known
    reduced: object | None = None  # the reduction of the counts made while they were decoded, if asked for


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that cannot be read; screening keeps it and says why."""

    path: str
    index: int  # position in that file, from 0
    reason: str  # the problem and the remedy, in one line
    event: str = ""  # as in Frame; empty also where the file cannot be opened


class Run(Protocol):
    """A series of frames, decoded on demand and in order."""

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the first file."""
        ...

    def __len__(self) -> int:
        """Return the number of frames."""
        ...

    def __getitem__(self, position: int) -> Frame:
        """Return one frame by its position in the run, or raise FrameError."""
        ...

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame | Unreadable]:
        """Yield the frames in order; an unreadable one is yielded as such and the run continues."""
        ...

    def map(
        self,
        work: Callable[[Frame | Unreadable], Result],
        threads: int,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``work`` of every frame in order, done in the thread that decoded it; one thread is the caller's."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A model's input from a frame: one cell for every block of pixels, and the significant peaks."""

    channels: NDArray[np.float32]  # (channels, cell rows, cell cols)
    background: NDArray[np.float32]  # (cell rows, cell cols) photons a pixel
    cells: NDArray[np.int64]  # (peaks, 2) row and column of the cells with a significant peak
    profiles: NDArray[np.float32]  # (peaks, numbers) the shape and the context of each of these peaks
    block: int  # pixels along a cell's edge


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One powder pattern: intensity along the length of the scattering vector."""

    q: NDArray[np.float64]  # (points,), 1/angstrom, rising; 4 pi sin(theta) / wavelength
    intensity: NDArray[np.float64]  # (points,), any unit
    path: str  # the file as the user can open it


@dataclass(frozen=True, slots=True)
class Spot:
    """One found or simulated Bragg spot."""

    column: float  # pixel, from 0 at the centre of the first
    row: float  # pixel
    intensity: float  # counts above the background
    significance: float  # standard deviations above the background, in Poisson terms


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Everything that leaves a site: these fields and nothing else, which a test asserts."""

    site: str  # the site's name in the federation
    version: int  # the global model's version that training started from
    tensors: State  # trained model minus the model it started from
    samples: int  # number of labelled frames trained on
    label_counts: tuple[tuple[int, ...], ...]  # one histogram for each question the labels answer
    loss: float  # mean training loss over the last epoch
    style: State = field(
        default_factory=dict
    )  # how its pictures look, where [style] asks for it; a few numbers
    steps: int = 0  # of the optimiser, where the rule asks for them
    gradient: State = field(default_factory=dict)  # of the loss before training, where the rule asks for it


SCORE_DECIMALS = 6
"""Decimals of a verdict's score.

A verdict has the score that its row in the table shows, so that drift and summary are the same whether they are
computed while a run is screened or, when it is resumed, from the table.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of screening on one frame; ``keep`` is decided before the score is rounded here."""

    path: str
    index: int  # position in that file, from 0
    score: float | None  # probability of a hit, 6 decimals; None when the frame could not be read or scored
    keep: bool
    reason: str = ""  # why there is no score, or why the frame is kept at any score
    background: float | None = None  # counts a pixel, the frame's level
    spots: tuple[Spot, ...] = ()  # where they were asked for
    event: str = ""  # as in Frame
    spot_count: int | None = None  # number of spots; None where the frame was not scored
    resolution: float | None = (
        None  # angstrom, 90th percentile of the spots' 1/d, where the geometry is known
    )

    def __post_init__(self) -> None:
        """Round the score."""
        if self.score is not None:
            object.__setattr__(self, "score", round(float(self.score), SCORE_DECIMALS))
