"""The gap between real and simulated patches, and a picture of both.

Real frames are only compared with here: none of their data enter the simulator, which
a person tunes by eye.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation import BEAMLINES, Beamline, Still, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS

PATCH = 24  # pixel
A_FRAME = 150  # patches of each kind
Image = NDArray[np.float64]  # gaps are nan


@dataclass(frozen=True)
class Pair:
    """Real frames and the beamline that is to look like them."""

    real: str
    pattern: str
    beamline: str
    least: int = 0  # counts; below lies a gap


PAIRS = (
    Pair("thaumatin, Pilatus3 6M", "stills/thaumatin-i24/*.cbf.bz2", "pilatus6m"),
    Pair("l-cysteine, Pilatus 2M", "stills/l-cysteine-i19/*.cbf.bz2", "pilatus2m"),
    Pair("nuclease, CCD", "stills/nuclease-ccd/*.img.bz2", "ccd", least=1),
)


@dataclass(frozen=True)
class Gap:
    """How well a classifier separates real from simulated patches of one kind."""

    area: float  # of the classifier; nan where there are too few patches
    signs: tuple[str, ...]  # the statistics that separate best, each with its own AUC and which side has more
    patches: int  # tested on, half of them real


def gap(pair: Pair, data: Path) -> tuple[Gap, Gap]:
    """Return how well a classifier separates real from simulated patches, without and with a spot."""
    paths = sorted(data.glob(pair.pattern))[:8]
    real = [patches(load(path, pair)) for path in paths]
    made = [patches(image) for image in simulated(pair.beamline, max(2 * len(real), 16))]
    return apart(real, made, 0), apart(real, made, 1)


def load(path: Path, pair: Pair) -> Image:
    """Read a frame through fabio."""
    import logging

    import fabio

    logging.getLogger("fabio").setLevel(logging.CRITICAL)
    counts = fabio.open(str(path)).data.astype(float)
    counts[(counts < pair.least) | (counts > 60000)] = np.nan
    return counts


def simulated(name: str, frames: int) -> Iterator[Image]:
    """Simulate frames with crystals and without artefacts."""
    line = BEAMLINES[name]
    line = replace(line, mix=replace(line.mix, rates=((0.7, 0.3),), artefact_share=0.0))
    for still in simulate_run(line, frames, seed=9, workers=2):
        yield _image(still)


def patches(image: Image) -> tuple[Image, Image]:
    """Return patches (n, PATCH, PATCH) with a peak in the middle, and patches anywhere."""
    from scipy.ndimage import maximum_filter, uniform_filter

    generator = np.random.default_rng(0)
    half = PATCH // 2
    filled = np.nan_to_num(image, nan=0.0)
    mean = uniform_filter(filled, 15)
    excess = uniform_filter(filled, 3) * 9 - 9 * mean
    strength = np.where(np.isnan(image), 0, excess / np.sqrt(9 * mean + 1))
    inside = np.zeros(image.shape, bool)
    inside[half:-half, half:-half] = True
    peaks = np.argwhere((strength == maximum_filter(strength, 9)) & (strength > 8) & inside)
    anywhere = np.stack([generator.integers(half, size - half, 3 * A_FRAME) for size in image.shape], axis=1)
    return _cut(image, generator.permutation(peaks)), _cut(image, anywhere)


def _cut(image: Image, centres: NDArray[np.int64]) -> Image:
    half = PATCH // 2
    cut = [image[row - half : row + half, col - half : col + half] for row, col in centres]
    whole = [patch for patch in cut if not np.isnan(patch).any()][:A_FRAME]
    return np.array(whole).reshape(-1, PATCH, PATCH)


def features(patch: Image) -> dict[str, float]:
    """Describe a patch by statistics that do not depend on its level: noise, correlations, the peak's shape."""
    middle = np.median(patch)
    level = patch.mean()
    spread = patch.std() + 1e-9
    scaled = (patch - level) / np.sqrt(abs(level) + 0.1)
    half = PATCH // 2
    core = patch[half - 4 : half + 4, half - 4 : half + 4] - middle
    brightest = np.sort(core.ravel())[::-1][:9] / max(core.sum(), 1e-9)
    centred = patch - level
    out = {"variance over mean": float(scaled.var()), "share of odd counts": float(np.mean(patch % 2 == 1))}
    for step in (1, 2):
        for axis, name in ((0, "down"), (1, "across")):
            shifted = float((centred * np.roll(centred, step, axis)).mean() / spread**2)
            out[f"correlation {step} {name}"] = shifted
    levels = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)
    out |= {f"quantile {q:g}": float(v) for q, v in zip(levels, np.quantile(scaled, levels), strict=True)}
    out |= {f"peak's pixel {i + 1}": float(share) for i, share in enumerate(brightest)}
    rows, cols = np.indices(core.shape) - 3.5
    weight = np.maximum(core, 0)
    weight /= weight.sum() + 1e-9
    out["peak's height"], out["peak's width"] = (weight * rows**2).sum(), (weight * cols**2).sum()
    out["peak's slant"] = abs((weight * rows * cols).sum())
    out["gradient across"] = abs(scaled[:, :8].mean() - scaled[:, -8:].mean())
    out["gradient down"] = abs(scaled[:8].mean() - scaled[-8:].mean())
    out["share of zeros"] = float(np.mean(patch == 0))
    return out


def apart(real: list[tuple[Image, Image]], made: list[tuple[Image, Image]], which: int) -> Gap:
    """Train on the even frames, test on the odd ones, with patches matched in mean level."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    sets: list[tuple[Any, Any]] = []
    names: list[str] = []
    for parity in (0, 1):
        theirs, ours = (
            np.concatenate([frame[which] for frame in frames[parity::2]]) for frames in (real, made)
        )
        theirs, ours = _matched(theirs, ours)
        described = [features(patch) for patch in np.concatenate([theirs, ours])]
        names = list(described[0]) if described else names
        x = np.array([list(one.values()) for one in described])
        sets.append((x, np.repeat([1, 0], [len(theirs), len(ours)])))
    (x, y), (unseen, truth) = sets
    if min(y.sum(), truth.sum()) < 20:
        return Gap(float("nan"), (), len(truth))
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(x, y)
    area = float(roc_auc_score(truth, model.predict_proba(unseen)[:, 1]))
    alone = [float(roc_auc_score(truth, column)) for column in unseen.T]
    return Gap(area, tuple(_sign(names[i], alone[i]) for i in _farthest(alone)), len(truth))


def _farthest(areas: list[float]) -> list[int]:
    return sorted(range(len(areas)), key=lambda i: -abs(areas[i] - 0.5))[:3]


def _sign(name: str, area: float) -> str:
    return f"{name} ({'more' if area > 0.5 else 'less'} in real, {max(area, 1 - area):.2f})"


def _matched(theirs: Image, ours: Image) -> tuple[Image, Image]:
    """Draw as many of both from every class of mean level, so that the level itself reveals nothing."""
    edges = np.geomspace(0.01, 1e5, 36)
    classes = [
        np.digitize(np.median(p, axis=(1, 2)) + 0.3 * p.mean(axis=(1, 2)), edges) for p in (theirs, ours)
    ]
    picks: tuple[list[int], list[int]] = ([], [])
    for level in set(classes[0]) & set(classes[1]):
        places = [np.flatnonzero(side == level) for side in classes]
        number = min(map(len, places))
        for pick, place in zip(picks, places, strict=True):
            pick.extend(place[:number].tolist())
    return theirs[picks[0]], ours[picks[1]]


def picture(data: Path, path: Path) -> None:
    """Draw real frames above simulated ones of a like detector, with a part enlarged."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2 * len(PAIRS), figsize=(4 * len(PAIRS) * 1.6, 6.6))
    for column, pair in enumerate(PAIRS):
        real = load(sorted(data.glob(pair.pattern))[min(3, len(sorted(data.glob(pair.pattern))) - 1)], pair)
        likest = min(simulated(pair.beamline, 40), key=lambda image, real=real: _apart(image, real))  # type: ignore[misc]
        for row, (name, image) in enumerate(((pair.real, real), (f"simulated {pair.beamline}", likest))):
            _show(axes[row, 2 * column], _middle(image, 900), name)
            _show(axes[row, 2 * column + 1], _middle(image, 900)[520:680, 520:680], "a part of it")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)


def misses(path: Path) -> None:
    """Draw a frame of every artefact, and crystals beneath coarse powders with their listed spots ringed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    panels = [(kind, _image(next(_misses_of(name, kind)))) for kind, name in MISSES]
    crystals = _beneath_grains("ccd", -len(panels) % COLUMNS or COLUMNS)
    lines = (len(panels) + len(crystals)) // COLUMNS
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(2.3 * COLUMNS, 2.5 * lines), layout="constrained")
    for axis, (kind, image), (_, name) in zip(axes.flat, panels, MISSES, strict=False):
        _show(axis, *_drawn(image, kind, name), blackest=0.9995 if kind in SMALL else BLACKEST)
    for axis, still in zip(axes.flat[len(panels) :], crystals, strict=True):
        _show(axis, _image(still), "no miss: crystal, grains")
        seen = [spot for spot in still.spots if spot.significance >= 6]
        axis.scatter(
            [spot.column for spot in seen], [spot.row for spot in seen], s=18, facecolors="none", edgecolors="#d7301f",
            linewidths=0.5,
        )  # fmt: skip
    figure.savefig(path, dpi=80)


COLUMNS = 7
ONLY_CCD = ("image-plate", "cosmic-rays", "zingers", "hot")
MISSES = tuple(
    [(kind, "pilatus6m") for kind in ARTEFACTS if kind not in ONLY_CCD]
    + [(kind, "ccd") for kind in (*ONLY_CCD, "grains", "minerals", "saxs", "gisaxs", "behenate")]
    + [(kind, "ccd") for kind in ("powder", "ice", "shadow", "streak")]
)
"""The kinds of misses on a photon counter, and those that only a CCD or an image plate shows, or shows otherwise."""


PART = 100  # pixels
SMALL = ("zingers", "cosmic-rays", "hot", "edges")
"""Kinds that show in single pixels: of these a part is enlarged."""


def _most_single_pixels(image: Image) -> Image:
    """Return the part of a frame that has most counts in pixels that stand out from those beside them."""
    from scipy.ndimage import median_filter

    flat = np.nan_to_num(image)
    out = np.maximum(flat - 3 * median_filter(flat, 5) - 8, 0) ** 0.5
    starts = [range(0, side - PART + 1, PART // 2) for side in image.shape]
    top, left = max(
        ((top, left) for top in starts[0] for left in starts[1]),
        key=lambda at: out[at[0] : at[0] + PART, at[1] : at[1] + PART].sum(),
    )
    return image[top : top + PART, left : left + PART]


def _misses_of(name: str, kind: str) -> Iterator[Still]:
    return simulate_run(_only(name, kind), 1, seed=34)


def _drawn(image: Image, kind: str, name: str) -> tuple[Image, str]:
    """Return what is drawn of a frame, and its title.

    The highest count of every 2 x 2 pixels of a photon counter, whose single pixels would be lost in print.
    """
    title = f"{kind.replace('-', ' ')} ({name})"
    if kind in SMALL:
        return _most_single_pixels(image), f"part of {title}"
    if name == "ccd":
        return image, title
    rows, cols = (side // 2 for side in image.shape)
    return np.fmax.reduce(image[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2), axis=(1, 3)), title


def _only(name: str, kind: str) -> Beamline:
    line = reduced(BEAMLINES[name], 900, 900)
    return replace(line, mix=replace(line.mix, rates=((0.0, 0.0),), too_weak=0.0, misses=((kind, 1.0),)))


def _beneath_grains(name: str, frames: int) -> list[Still]:
    line = reduced(BEAMLINES[name], 900, 900)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=1.0, spots=(60.0, 0.5)))
    found = (still for still in simulate_run(line, 200, seed=4) if still.kind == "crystal+grains")
    return [still for still, _ in zip(found, range(frames), strict=False)]


def _image(still: Still) -> Image:
    image = still.counts.astype(float)
    image[still.mask] = np.nan
    return image


def _apart(image: Image, other: Image) -> float:
    """Return how far two frames' backgrounds and strong pixels are apart, as logarithms."""
    levels = [np.nanquantile(x, (0.5, 0.99, 0.9997)) + 0.1 for x in (image, other)]
    return float(abs(np.log(levels[0] / levels[1])).sum())


def _middle(image: Image, side: int) -> Image:
    top, left = ((size - side) // 2 for size in image.shape)
    return image[top : top + side, left : left + side]


BLACKEST = 0.998
"""Share of a frame's pixels that are not black."""


def _show(axis: Any, image: Image, title: str, blackest: float = BLACKEST) -> None:
    highest = max(np.nanquantile(image, blackest), 2 * np.nanmedian(image), 2)
    axis.imshow(image, vmin=0, vmax=highest, cmap="gray_r", interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.axis("off")
