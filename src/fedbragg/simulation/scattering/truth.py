"""The tags of a simulated image: the features that are in its light and can be seen.

A feature is present when it stands out from the other light on its pixels: by contrast, and by a matched filter's
signal over the counting noise. Between "seen" and "not seen" lies a range in which a tag stays unknown.
docs/how-to/tags.md lists every rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.radial import STEPS_PER_PIXEL
from fedbragg.simulation.scattering.render import RadialSums
from fedbragg.simulation.scattering.scene import Peak, Role, Scene, Table
from fedbragg.simulation.scattering.tag_names import TAGS, UNKNOWN

SHARP, BROAD = 0.15, 0.22
"""Width over radius up to which a peak is a ring, and from which it is a halo."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """An image's expected light by radius."""

    pixels: NDArray[np.float64]  # (radii,) valid pixels at each whole radius
    passed: NDArray[np.float64]  # (radii,) mean share of the light that passes stop and shadows
    mean: NDArray[np.float64]  # (radii,) mean expected photons on valid pixels
    exposure: float  # photons for a relative intensity of 1

    def photons(self, table: Table) -> NDArray[np.float64]:
        """Return the mean photons (radii,) that a table of the scene puts on the valid pixels."""
        at = np.minimum(np.arange(len(self.pixels)) * STEPS_PER_PIXEL + STEPS_PER_PIXEL // 2, len(table) - 1)
        return np.asarray(table[at] * self.passed * self.exposure)


def light_by_radius(sums: RadialSums, exposure: float) -> Light:
    """Average radial sums over their pixels."""
    number = np.maximum(sums.pixels, 1)
    return Light(sums.pixels, sums.passed / number, sums.photons / number, exposure)


@dataclass(frozen=True, slots=True)
class Shown:
    """The visibility of a feature."""

    contrast: float  # its largest share of the light besides it
    signal: float  # matched filter, in standard deviations of the counting noise

    def tag(self, contrast: float, signal: float = 10.0) -> int:
        """Return 1 where both limits are reached, 0 where one is missed by half or more, else UNKNOWN."""
        if self.contrast >= contrast and self.signal >= signal:
            return 1
        return 0 if self.contrast < contrast / 2 or self.signal < signal / 2 else UNKNOWN


def shown_table(light: Light, table: Table) -> Shown:
    """Return a smooth term's visibility: contrast reached on a fiftieth of the pixels, and its change by radius.

    A term that is uniform over the image counts as background, however strong it is.
    """
    part = light.photons(table)
    rest = np.maximum(light.mean - part, 0)
    ratio = part / np.maximum(rest, 1e-3)
    order = np.argsort(-ratio)
    enough = np.searchsorted(np.cumsum(light.pixels[order]), light.pixels.sum() / 50)
    contrast = float(ratio[order[min(enough, len(order) - 1)]])
    change = part - np.average(part, weights=light.pixels) if light.pixels.any() else part
    return Shown(contrast, float(np.sqrt((light.pixels * change**2 / np.maximum(light.mean, 1e-9)).sum())))


def shown_peak(light: Light, peak: Peak) -> Shown:
    """Return the visibility of a ring or halo against the light around it; 0 where too little of it is in view."""
    first, last = int(max(peak.radius - 2 * peak.sigma - 1, 0)), int(peak.radius + 2 * peak.sigma) + 2
    radii = np.arange(first, min(last, len(light.pixels)))
    if len(radii) == 0:
        return Shown(0.0, 0.0)
    within = np.exp(-0.5 * ((radii + 0.5 - peak.radius) / max(peak.sigma, 0.45)) ** 2)
    part = peak.height * light.exposure * light.passed[radii] * within
    core = within > 0.5
    if light.pixels[radii[core]].sum() < 30:
        return Shown(0.0, 0.0)
    rest = np.maximum(light.mean[radii] - part, 0)
    highest = 1 + 2 * peak.texture + peak.grains  # arcs and grains rise above the mean of their ring
    contrast = float((part[core] / np.maximum(rest[core], 1e-3)).max()) * highest
    signal = np.sqrt((light.pixels[radii] * part**2 / np.maximum(light.mean[radii], 1e-9)).sum())
    return Shown(contrast, float(signal) * np.sqrt(highest))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts that decide tags besides the scene's light."""

    regime: str
    stop: str  # "circular", "linear", "wedge" or ""
    stop_tag: int  # 1, 0 or UNKNOWN: whether the stop's shadow can be seen
    specular_tag: int  # the same of a disc in a film's reflected beam
    thick_arm: bool  # whether a disc's holder could pass for a rod
    bright: float  # 99.9th percentile of the valid counts
    angle_seen: float  # radian, azimuth around the beam that valid pixels cover


def tags_of(scene: Scene, light: Light, around: Surroundings) -> NDArray[np.int8]:
    """Return each tag of TAGS (tags,): 1, 0 or UNKNOWN."""
    found = dict.fromkeys(TAGS, 0)
    found |= _instrument_tags(scene, light, around)
    found |= _ring_tags(scene, light)
    found |= _smooth_tags(scene, light)
    found |= _lattice_tags(scene, light)
    found["anisotropic"] = _anisotropic(scene, light, around)
    return np.array([found[tag] for tag in TAGS], np.int8)


def _instrument_tags(scene: Scene, light: Light, around: Surroundings) -> dict[str, int]:
    seen = _anything_seen(light)
    found = {f"{kind}_beamstop": 0 for kind in ("circular", "linear", "wedge")}
    if around.stop:
        found[f"{around.stop}_beamstop"] = around.stop_tag
    found["circular_beamstop"] = max(found["circular_beamstop"], around.specular_tag, key=_rank)
    if around.stop == "circular" and around.thick_arm and around.stop_tag == 1:
        found["linear_beamstop"] = UNKNOWN
    column, row = scene.camera.centre
    edge = min(column + 0.5, row + 0.5, scene.camera.cols - 0.5 - column, scene.camera.rows - 0.5 - row)
    near = abs(edge) < 0.01 * max(scene.camera.rows, scene.camera.cols)
    found["beam_off_image"] = UNKNOWN if near or not seen else int(not scene.camera.beam_inside)
    grazing = around.regime == "grazing"
    found["grazing_incidence"] = (1 if seen else UNKNOWN) if grazing else 0
    found["strong_scattering"] = _between(around.bright, 500, 1000)
    found["weak_scattering"] = _between(-around.bright, -20, -10)
    return found


def _ring_tags(scene: Scene, light: Light) -> dict[str, int]:
    sharp = [p for p in scene.peaks if p.breadth <= SHARP]
    broad = [p for p in scene.peaks if p.breadth >= BROAD]
    between = [p for p in scene.peaks if SHARP < p.breadth < BROAD]
    rings = [(p, shown_peak(light, p).tag(0.06)) for p in sharp]
    seen = _apart([p for p, tag in rings if tag == 1])
    doubtful = [p for p, tag in rings if tag == UNKNOWN] + [
        p for p in between if shown_peak(light, p).tag(0.06)
    ]
    unsure = bool(doubtful) or scene.fringes
    halo = max((shown_peak(light, p).tag(0.15) for p in broad), key=_rank, default=0)
    found = {"ring": 1 if seen else (UNKNOWN if unsure else 0), "halo": halo}
    if halo == 0 and (scene.fringes or any(shown_peak(light, p).tag(0.15) for p in between)):
        found["halo"] = UNKNOWN
    found["many_rings"] = (
        1 if len(seen) >= 5 else (UNKNOWN if len(seen) + len(_apart(doubtful)) >= 4 or scene.fringes else 0)
    )
    found["higher_orders"] = _higher_orders(rings)
    coarse = any(peak.grains > 0.17 for peak in doubtful)
    found["polycrystalline"] = _polycrystalline(light, [p for p, tag in rings if tag == 1], coarse)
    return found


def _higher_orders(rings: Sequence[tuple[Peak, int]]) -> int:
    """Decide whether rings at equal distances are seen; rings of lattices may lie so by chance."""
    seen = sum(tag == 1 for peak, tag in rings if peak.orders)
    possible = sum(tag != 0 for peak, tag in rings if peak.orders)
    if seen >= 2:
        return 1
    others = np.array([peak.radius for peak, tag in rings if tag == 1])
    ratios = others[None, :] / np.maximum(others[:, None], 1e-6)
    return UNKNOWN if possible >= 2 or bool((abs(ratios - 2) < 0.04).any()) else 0


def _polycrystalline(light: Light, seen: Sequence[Peak], doubtful: bool) -> int:
    """Decide whether a seen ring breaks into grains that stand out of the counting noise."""
    best = 0
    for peak in seen:
        at = min(int(peak.radius), len(light.pixels) - 1)
        photons = peak.height * light.exposure * float(light.passed[at])
        noise = np.sqrt(max(float(light.mean[at]), 1e-9) / max(2.355 * peak.sigma, 1))
        shown = Shown(peak.grains, float(photons * peak.grains / noise))
        best = max(best, shown.tag(0.35, 3.0), key=_rank)
    return UNKNOWN if best == 0 and doubtful else best


def _smooth_tags(scene: Scene, light: Light) -> dict[str, int]:
    low, high = scene.smooth.get(Role.LOW_Q), scene.smooth.get(Role.HIGH_Q)
    found = {"diffuse_low_q": 0, "diffuse_high_q": 0}
    if low is not None:
        found["diffuse_low_q"] = shown_table(light, low).tag(0.7) if scene.camera.beam_inside else UNKNOWN
    if high is not None:
        found["diffuse_high_q"] = shown_table(light, high).tag(0.7)
    background = scene.smooth.get(Role.BACKGROUND)
    if background is not None:
        part = light.photons(background)
        outweighs = light.pixels[part > 2 * np.maximum(light.mean - part, 0)].sum() / max(
            light.pixels.sum(), 1
        )
        level = float((part * light.pixels).sum() / max(light.pixels.sum(), 1))
        sure = outweighs > 0.8 and level > 300
        found["high_background"] = 1 if sure else (0 if outweighs < 0.4 or level < 150 else UNKNOWN)
    return found


def _lattice_tags(scene: Scene, light: Light) -> dict[str, int]:
    found = {"bcc": 0, "fcc": 0, "structure_factor": 0}
    names = {p.lattice for p in scene.peaks if p.lattice}
    for name in names:
        tags = [shown_peak(light, p).tag(0.06) for p in scene.peaks if p.lattice == name]
        seen = sum(tag == 1 for tag in tags)
        tag = 1 if seen >= 3 else (0 if seen == 0 and UNKNOWN not in tags else UNKNOWN)
        if name in found:
            found[name] = tag
        found["structure_factor"] = max(found["structure_factor"], tag, key=_rank)
    if scene.structured is not None:
        found["structure_factor"] = max(
            found["structure_factor"], shown_table(light, scene.structured).tag(0.3), key=_rank
        )
    return found


def _anisotropic(scene: Scene, light: Light, around: Surroundings) -> int:
    """Decide whether the light depends on the azimuth by more than grains: by a film, a fibre, arcs or lobes."""
    if around.regime == "grazing":
        return 1 if _anything_seen(light) else UNKNOWN
    best = 1 if scene.layer_lines and _anything_seen(light) else 0
    for table, change in scene.textures:
        best = max(
            best, min(shown_table(light, table).tag(0.3), _between(change, 0.1, 0.3), key=_order), key=_rank
        )
    for peak in scene.peaks:
        best = max(
            best,
            min(shown_peak(light, peak).tag(0.1), _between(peak.texture, 0.1, 0.3), key=_order),
            key=_rank,
        )
    grainy = any(p.grains > 0.3 and shown_peak(light, p).tag(0.06) for p in scene.peaks)
    if best == 0 and (grainy or scene.streaks or scene.speckle is not None):
        return UNKNOWN
    return UNKNOWN if around.angle_seen < np.deg2rad(100) else best


def _anything_seen(light: Light) -> bool:
    """Return whether the image has enough light, changing with the radius, to show where the beam is."""
    bright = light.pixels > 0
    if not bright.any():
        return False
    mean = np.average(light.mean[bright], weights=light.pixels[bright])
    change = (light.mean - mean)[bright]
    return bool(np.sqrt((light.pixels[bright] * change**2).sum() / max(mean, 1e-9)) > 30)


def _between(value: float, low: float, high: float) -> int:
    return 1 if value >= high else (0 if value <= low else UNKNOWN)


def _apart(peaks: Sequence[Peak]) -> list[Peak]:
    """Return the peaks that can be distinguished; two closer than a width count as one."""
    kept: list[Peak] = []
    for peak in sorted(peaks, key=lambda p: p.radius):
        if not kept or peak.radius - kept[-1].radius > max(2.355 * peak.sigma, 2.0):
            kept.append(peak)
    return kept


def _rank(tag: int) -> int:
    """Order tags by how much they claim: 0, UNKNOWN, 1."""
    return {0: 0, UNKNOWN: 1, 1: 2}[tag]


_order = _rank
