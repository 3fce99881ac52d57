"""Powder patterns: phases from structures, and patterns of them simulated under random conditions."""

from fedbragg.simulation.powder.conditions import PowderConditions
from fedbragg.simulation.powder.pattern import SimulatedPattern, draw_present, simulate_pattern
from fedbragg.simulation.powder.phase import SHIPPED, Phase, read_phase, shipped_phases

__all__ = [
    "SHIPPED",
    "Phase",
    "PowderConditions",
    "SimulatedPattern",
    "draw_present",
    "read_phase",
    "shipped_phases",
    "simulate_pattern",
]
