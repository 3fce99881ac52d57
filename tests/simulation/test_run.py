"""A run of stills: in order, and the same from the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS


@pytest.mark.parametrize("name", ["pilatus6m", "ccd", "l498"])
@pytest.mark.parametrize("workers", [2, 4])
def test_the_number_of_workers_changes_no_byte(name: str, workers: int) -> None:
    """The misses have every artefact, so that everything that draws random numbers takes part."""
    beamline = reduced(BEAMLINES[name], 256, 256)
    misses = tuple((kind, 1.0) for kind in ARTEFACTS)
    beamline = replace(
        beamline, mix=replace(beamline.mix, rates=((0.3, 0.1),), artefact_share=0.5, misses=misses)
    )
    alone = list(simulate_run(beamline, 40, seed=3))
    together = list(simulate_run(beamline, 40, seed=3, workers=workers))
    assert len({still.kind for still in alone}) > 12
    assert [a.counts.tobytes() for a in alone] == [b.counts.tobytes() for b in together]
    assert [a.spots for a in alone] == [b.spots for b in together]
    assert [(a.label, a.kind) for a in alone] == [(b.label, b.kind) for b in together]


def test_another_seed_gives_another_run() -> None:
    beamline = reduced(BEAMLINES["ln83"], 200, 200)
    first, second = (next(iter(simulate_run(beamline, 1, seed=seed))) for seed in (1, 2))
    assert not np.array_equal(first.counts, second.counts)
