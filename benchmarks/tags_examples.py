"""Draw simulated scattering images, with their tags, beside real ones: docs/images/tags-simulated-beside-real.png.

    .venv/bin/python benchmarks/tags_examples.py

The real ones, drawn only, never trained on: BioCAT (musclex), APS 8-ID-E (GIXSGUI), NSLS-II SMI, CHESS, HPCAT
(Dioptas), PETRA III P03 (gisaxs_gui), autoSAXS.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from baselines.tags_conditions import DATA
from fedbragg.images import open_run
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.simulation.scattering.tag_names import TAGS

OUT = Path(__file__).parent.parent / "docs" / "images" / "tags-simulated-beside-real.png"
REAL = (
    "biocat-pilatus1m/MnC22-5_30umThick_50umStep_1sExp_diffScan_0608.tif.bz2",
    "biocat-pilatus1m/P1_F1_tet_1_100_005_0001.tif.bz2",
    "aps8ide-pilatus1mf/image_demo_superlattice.tif.bz2",
    "nsls2-smi/900kw_wa0.0.tif.bz2",
    "chess-saxswaxs/test_1d_PIL11_001_007.tiff.bz2",
    "hpcat-pilatus1m/CeO2_Pilatus1M.tif.bz2",
    "desy-p03-pilatus2m/jg_gisaxs_4nm_old_3ml_insitu_ds03_00001_00005.cbf.bz2",
    "autosaxs-pilatus1m/ihs27_sample.tif.bz2",
)
SIMULATED = 24
"""Experiments drawn in turn from one seed: none is picked."""


def draw(axes: Axes, counts: NDArray[np.generic], mask: NDArray[np.bool_], title: str) -> None:
    """Draw an image by the logarithm of its counts, masked pixels in grey."""
    valid = counts[~mask]
    low, high = np.percentile(valid, [0.5, 99.8])
    shown = np.where(mask, np.nan, np.log1p(np.clip(counts - min(low, 0), 0, None)))
    axes.set_facecolor("0.75")
    axes.imshow(
        shown,
        cmap="magma",
        vmin=np.log1p(max(low, 0)),
        vmax=np.log1p(max(high, 1)),
        interpolation="antialiased",
    )
    axes.set_title(title, fontsize=5.5, loc="left")
    axes.set(xticks=[], yticks=[])


def main() -> None:
    figure, grid = plt.subplots(4, 8, figsize=(16, 9), layout="constrained")
    for axes, path in zip(grid[0], REAL, strict=True):
        frame = open_run(str(DATA / path))[0]
        draw(axes, frame.counts, frame.mask, f"measured: {path.split('/')[0]}")
    for index, axes in enumerate(grid[1:].ravel()):
        seed = np.random.SeedSequence([31, index])
        image = next(simulate_images(draw_experiment(ANY_INSTRUMENT, 256, seed), 1, seed))
        tags = [tag for tag, value in zip(TAGS, image.tags, strict=True) if value == 1]
        lines = [", ".join(tags[i : i + 3]) for i in range(0, len(tags), 3)]
        draw(axes, image.counts, image.mask, "\n".join(["simulated", *lines]).replace("_", " "))
    figure.savefig(OUT, dpi=110)
    with Image.open(OUT) as picture:  # 128 colours are enough, and take a third of the bytes
        picture.convert("RGB").quantize(128).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
