"""Estimate where the direct beam meets the plane of the detector."""
