"""Measurements on a segmented micrograph: grains, phase fractions and grain size numbers."""
