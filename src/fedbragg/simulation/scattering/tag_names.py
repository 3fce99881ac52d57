"""The tags: the 17 published attributes of scattering images, and two that users expect.

Wang, Yager, Yu and Hoai 2017, arXiv 1611.03313.
"""

from __future__ import annotations

TAGS = (
    "beam_off_image",
    "circular_beamstop",
    "linear_beamstop",
    "wedge_beamstop",
    "diffuse_low_q",
    "diffuse_high_q",
    "halo",
    "ring",
    "many_rings",
    "higher_orders",
    "polycrystalline",
    "strong_scattering",
    "weak_scattering",
    "high_background",
    "anisotropic",
    "grazing_incidence",
    "bcc",
    "fcc",
    "structure_factor",
)
UNKNOWN = -1
"""A tag that the image does not decide: neither present nor absent."""
