"""The demonstration's facilities: five that train, and one that takes no part in training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fedbragg.progress import Step
from fedbragg.simulation import BEAMLINES, Beamline, reduced
from fedbragg.workflows.cores import number_of_threads
from fedbragg.workflows.simulate import LABELS, write_simulated_run


@dataclass(frozen=True, slots=True)
class Facility:
    """One simulated facility: its beamline, shares of hits, artefacts and number of labelled frames."""

    name: str
    beamline: str
    edge: int  # pixels along its detector, reduced to keep the demonstration short
    hits: tuple[float, float]  # shares of hits and of maybes, over the whole run
    artefacts: tuple[str, ...]  # of its misses, equally often
    frames: int  # labelled
    speed: float  # of training, relative


SITES = (
    Facility("cspad-laser", "lg36", 768, (0.04, 0.02), ("blank", "blank", "streak", "shadow"), 260, 1.0),
    Facility("rayonix-laser", "ln84", 768, (0.45, 0.10), ("blank", "saxs", "edges"), 120, 2.0),
    Facility("pilatus-scan", "pilatus6m", 896, (0.30, 0.15), ("blank", "ice", "powder"), 160, 4.0),
    Facility("micro-crystal", "pilatus2m", 768, (0.10, 0.20), ("blank", "zingers", "salt"), 100, 1.0),
    Facility("old-ccd", "ccd", 768, (0.55, 0.20), ("blank", "solvent", "behenate"), 60, 0.5),
)
"""Labels, numbers and artefacts differ between the facilities on purpose, as they do among real ones."""
ALL_ARTEFACTS = tuple(dict.fromkeys(kind for site in SITES for kind in site.artefacts))
TEST_HITS = (0.30, 0.15)
UNSEEN = Facility("unseen", "eiger16m", 1400, (0.25, 0.10), ALL_ARTEFACTS, 150, 1.0)
"""A facility whose detector neither a site of the demonstration nor the public frames have."""
RUN = "run.h5"

SETTINGS = """\
# The federation of `fedbragg demo`; run it again with `fedbragg federate`.
task = "hits"
seed = {seed}

[hits]
network = "spotnet"
public_frames = 480
public_epochs = 60

[training]
learning_rate = 0.0005

[federation]
aggregation = "fedkl"
schedule = "hybrid"
barriers = 6
"""


def write_facility(facility: Facility, folder: Path, seed: int, step: Step) -> None:
    """Simulate a facility's run and its labels into a folder."""
    beamline = beamline_of(facility)
    write_simulated_run(beamline, folder / RUN, facility.frames, seed, number_of_threads(0), step)


def judging_runs(site: Facility, frames: int) -> dict[str, Facility]:
    """Return a site's test runs, on its own detector: with its own artefacts, and with those of other sites alone."""
    others = tuple(kind for kind in ALL_ARTEFACTS if kind not in site.artefacts)
    kinds = {"own": tuple(dict.fromkeys(site.artefacts)), "others": others}
    return {
        name: replace(site, hits=TEST_HITS, artefacts=artefacts, frames=frames)
        for name, artefacts in kinds.items()
    }


def settings_text(seed: int) -> str:
    """Return the demonstration's federation.toml."""
    sites = "".join(
        f'\n[[sites]]\nname = "{site.name}"\nruns = ["sites/{site.name}/{RUN}"]\n'
        f'labels = "sites/{site.name}/{LABELS}"\nspeed = {site.speed}\n'
        for site in SITES
    )
    return SETTINGS.format(seed=seed) + sites


def beamline_of(facility: Facility) -> Beamline:
    """Return a facility's beamline with its detector reduced, its shares of hits and its artefacts."""
    beamline = BEAMLINES[facility.beamline]
    rows, cols = (min(facility.edge, edge) for edge in (beamline.detector.rows, beamline.detector.cols))
    misses = tuple((kind, 1.0) for kind in facility.artefacts)
    mix = replace(beamline.mix, rates=(facility.hits,), misses=misses)
    return reduced(replace(beamline, mix=mix), rows, cols)
