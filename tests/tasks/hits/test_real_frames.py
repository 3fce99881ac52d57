"""The packaged model on measured frames, which nothing has been trained on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.images import open_run, read_labels
from fedbragg.tasks import hits
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.prepare import CONTEXT, PROFILE, prepare
from fedbragg.tasks.hits.prepare.context import centre_of
from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
from fedbragg.tasks.hits.prepare.noise import photon_scale
from fedbragg.tasks.hits.prepare.pixels import block_sums
from fedbragg.types import Frame, Label

RING = len(PROFILE) + CONTEXT.index("ring of 2")
DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / ".." / "shared" / "data")).resolve()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"measured data are not at {DATA} (set FEDBRAGG_DATA)"),
]


def frame(name: str) -> Frame:
    return open_run(DATA / name)[0]


def test_hits_are_kept_and_misses_dropped() -> None:
    """Every fourth labelled frame; neighbours of a scan are near-copies."""
    scorer, labels = Scorer(hits.default_model()), read_labels(DATA / "labels.csv")
    names = sorted({str(path) for path in labels.paths})[::4]
    for name in [*names, str(DATA / "powder2d" / "ceria_50x30_740mm_000005_Pilatus2M.hdf5")]:
        shown = open_run(name)[0]
        kept = scorer(prepare(shown, scorer.card.prepare))[0] >= scorer.card.threshold
        label = labels.label(shown.path, shown.index)
        assert label is not None and kept == (label is not Label.MISS), name


@pytest.mark.parametrize(
    ("name", "on_rings"),
    [
        ("powder2d/ceria_50x30_740mm_000005_Pilatus2M.hdf5", True),
        ("tags/pixium/pixium_03150.tif.bz2", True),
        ("stills/i03/DLS_I03_smargon_0001.cbf.gz", False),
        ("stills/nuclease-ccd/snc_newhead_00001.img.bz2", False),
        ("stills/thaumatin-i24/thau_3_2_0001.cbf.bz2", False),
    ],
)
def test_the_peaks_of_powders_are_on_rings_and_those_of_crystals_are_not(name: str, on_rings: bool) -> None:
    shown = frame(name)
    for seen in (shown, replace(shown, beam_centre=None)):
        crowded = float(np.mean(prepare(seen).profiles[:, RING]))
        assert crowded > 1 if on_rings else crowded < 0.5


def test_the_estimated_centre_of_a_ccd_frame_is_the_headers() -> None:
    shown = frame("stills/nuclease-ccd/snc_newhead_00001.img.bz2")
    blocks = block_sums(shown.counts, blocks_of_mask(shown.mask, 8))
    found = centre_of(None, blocks, photon_scale(blocks))
    assert found is not None and shown.beam_centre is not None
    assert (found.column, found.row) == pytest.approx(shown.beam_centre, abs=8)
