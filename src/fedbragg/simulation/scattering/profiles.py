"""Scattering as a function of momentum transfer: diffuse terms, particles, and how particles arrange.

All take q in 1/angstrom (n,) and return relative intensities (n,). Formulae: Glatter and Kratky, Small Angle X-ray
Scattering (1982); Hammouda, Probing Nanoscale Structures (NIST), for the Guinier-Porod form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


def power_law(q: Curve, exponent: float, start: float) -> Curve:
    """Return q^exponent, level below ``start`` (Porod's law for an exponent of -4)."""
    return np.asarray((1 + (q / start) ** 2) ** (exponent / 2))


def ornstein_zernike(q: Curve, length: float) -> Curve:
    """Return 1 / (1 + q^2 xi^2): concentration fluctuations of correlation length xi in angstrom."""
    return np.asarray(1 / (1 + (q * length) ** 2))


def debye_bueche(q: Curve, length: float) -> Curve:
    """Return 1 / (1 + q^2 a^2)^2: a random two-phase medium of correlation length a in angstrom."""
    return np.asarray(1 / (1 + (q * length) ** 2) ** 2)


def guinier_porod(q: Curve, gyration: float, exponent: float) -> Curve:
    """Return exp(-q^2 Rg^2 / 3), continued by a power law: dilute particles (Hammouda 2010)."""
    join = np.sqrt(1.5 * exponent) / gyration
    inner = np.exp(-((np.minimum(q, join) * gyration) ** 2) / 3)
    return np.asarray(np.where(q < join, inner, inner * (np.maximum(q, join) / join) ** -exponent))


def sphere(q: Curve, radius: float, spread: float) -> Curve:
    """Return the form factor of spheres with a Gaussian spread of radii, 1 at q = 0 (Rayleigh 1914)."""
    radii = radius * (1 + spread * np.linspace(-2, 2, 9))
    weights = np.exp(-0.5 * np.linspace(-2, 2, 9) ** 2) * radii**6
    x = np.maximum(q[None, :] * radii[:, None], 1e-3)
    amplitude = 3 * (np.sin(x) - x * np.cos(x)) / x**3
    return np.asarray((weights[:, None] * amplitude**2).sum(axis=0) / weights.sum())


def hard_sphere_fluid(q: Curve, radius: float, filling: float) -> Curve:
    """Return the structure factor of hard spheres at a volume fraction (Percus and Yevick; Kinning and Thomas 1984)."""
    x = np.maximum(2 * q * radius, 1e-2)
    alpha = (1 + 2 * filling) ** 2 / (1 - filling) ** 4
    beta = -6 * filling * (1 + filling / 2) ** 2 / (1 - filling) ** 4
    gamma = filling * alpha / 2
    sine, cosine = np.sin(x), np.cos(x)
    g = alpha * (sine - x * cosine) / x**2
    g += beta * (2 * x * sine + (2 - x**2) * cosine - 2) / x**3
    g += gamma * (-(x**4) * cosine + 4 * ((3 * x**2 - 6) * cosine + (x**3 - 6 * x) * sine + 6)) / x**5
    return np.asarray(1 / (1 + 24 * filling * g / x))


def debye_waller(q: Curve, displacement: float) -> Curve:
    """Return exp(-q^2 sigma^2), the share of the order that survives a displacement in angstrom."""
    return np.asarray(np.exp(-((q * displacement) ** 2)))


def peak(q: Curve, centre: float, width: float) -> Curve:
    """Return a Gaussian of height 1 and standard deviation ``width``."""
    return np.asarray(np.exp(-0.5 * ((q - centre) / width) ** 2))
