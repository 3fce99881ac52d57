"""The kinds of sample that scattering images show, by name; each adds its terms and peaks to a scene.

The ten kinds of the published generator (Yager; C2 of the tagging papers) come first. The others are what real
instruments show besides.
"""

from __future__ import annotations

from collections.abc import Callable

from fedbragg.simulation.scattering import crystal_samples, particle_samples, ring_samples
from fedbragg.simulation.scattering.draws import Draws
from fedbragg.simulation.scattering.scene import Scene


def nothing(scene: Scene, draws: Draws) -> None:
    """Add nothing: an empty beam, or a closed shutter."""


KINDS: dict[str, Callable[[Scene, Draws], None]] = {
    "single ring": ring_samples.single_ring,
    "symmetric halo": ring_samples.symmetric_halo,
    "orders": ring_samples.orders,
    "spheres": particle_samples.spheres,
    "lattice": particle_samples.lattice,
    "distorted lattice": particle_samples.distorted_lattice,
    "ad-hoc rings": ring_samples.ad_hoc_rings,
    "speckled rings": ring_samples.speckled_rings,
    "coherent halo": ring_samples.coherent_halo,
    "mesostructure": particle_samples.mesostructure,
    "fibre": crystal_samples.fibre,
    "powder": crystal_samples.powder,
    "silver behenate": crystal_samples.silver_behenate,
    "amorphous": ring_samples.amorphous,
    "hard spheres": particle_samples.hard_spheres,
    "dilute": particle_samples.dilute,
    "nothing": nothing,
}
