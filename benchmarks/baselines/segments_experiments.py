"""What the sites of each experiment hold: simulated laboratories, superalloy by style, coatings by specimen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from baselines import segments_real
from baselines.segments_sites import Budget, Experiment, Runs
from fedbragg.learn.state import state_of
from fedbragg.models.onnx_file import read_state
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.simulation.micrograph.style import draw_style
from fedbragg.tasks import segments
from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.network import new_network, with_classes
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.types import State
from fedbragg.workflows.site_data import SiteData

GRAINS = ("matrix", "boundary")
ALLOY = ("matrix", "secondary", "tertiary")
COATING = ("background", "oxide", "crack")
LABORATORIES, PICTURES, JUDGING = 4, 24, 8
"""Simulated laboratories, pictures of each that train, and that judge."""
HELD_OUT_SPECIMENS = 2


def laboratories(seed: int) -> Experiment:
    """Return simulated laboratories, each with a style and with grains of its own."""
    generator = np.random.default_rng([seed, 700])
    styles = [draw_style(generator) for _ in range(LABORATORIES)]

    def pictures(k: int, number: int, what: int) -> SegmentData:
        wanted = Simulated(number, 1, lambda _: styles[k], ("grains",))
        return simulated(wanted, GRAINS, 1_000 * what + 10 * seed + k)

    sites = [_site(f"lab{k}", pictures(k, PICTURES, 70)) for k in range(LABORATORIES)]
    tests = [pictures(k, JUDGING, 71) for k in range(LABORATORIES)]
    start = state_of(new_network(len(GRAINS), seed))
    return Experiment(GRAINS, tuple(sites), {"all four styles": _joined(tests)}, start, Budget(6, 3, 9))


def superalloy(seed: int) -> Experiment:
    """Return two sites, one for each style of imaging."""
    sites = [_site(style, segments_real.superalloy("train", f"_{style}_")) for style in ("0d", "180d")]
    tests = {"given test": segments_real.superalloy("test")}
    return Experiment(ALLOY, tuple(sites), tests, _packaged(ALLOY, seed), Budget(6, 3, 9))


def unseen_style(seed: int) -> Experiment:
    """Return five sites, one for each spot, all imaged in one style; every picture of the other style judges."""
    seen, unseen = ("0d", "180d") if seed % 2 else ("180d", "0d")
    spots = segments_real.superalloy("train", f"_{seen}_")
    sites = [_site(f"spot{k}", spots[k : k + 1]) for k in range(len(spots))]
    other = [segments_real.superalloy(part, f"_{unseen}_") for part in ("train", "val", "test")]
    tests = {"style that nobody has": _joined(other)}
    return Experiment(ALLOY, tuple(sites), tests, _packaged(ALLOY, seed), Budget(6, 3, 9))


def specimens(seed: int) -> Experiment:
    """Return a site for each specimen; two specimens that no site has judge, and new spots of the others."""
    names = segments_real.specimens()
    away = [names[(HELD_OUT_SPECIMENS * seed + k) % len(names)] for k in range(HELD_OUT_SPECIMENS)]
    sites = []
    for name in names:
        data = segments_real.coating("train", name)
        if name not in away and len(data):
            sites.append(_site(name, data))
    spots = [segments_real.coating("val", name) for name in names if name not in away]
    unseen = [segments_real.coating(part, name) for part in ("train", "val") for name in away]
    tests = {"new spots": _joined(spots), "new specimens": _joined(unseen)}
    return Experiment(COATING, tuple(sites), tests, _packaged(COATING, seed), Budget(4, 2, 6))


RUNS = {
    "laboratories": Runs("laboratories", laboratories),
    "superalloy": Runs("superalloy", superalloy),
    "unseen-style": Runs("unseen-style", unseen_style, ("FedAvg", "pooled"), tuple(range(6))),
    "specimens": Runs("specimens", specimens, ("each alone", "FedAvg", "FedAvg + statistics", "pooled")),
}


def _packaged(names: Sequence[str], seed: int) -> State:
    return with_classes(read_state(segments.default_model()), CLASSES, names, seed)


def _site(name: str, data: SegmentData) -> SiteData[SegmentData]:
    """Return a site that trains on all its pictures; the tests are elsewhere."""
    return SiteData(name, data, data[:1])


def _joined(parts: Sequence[SegmentData]) -> SegmentData:
    return SegmentData(tuple(one for part in parts for one in part.pictures), parts[0].classes)
