"""Thresholds with a guarantee: how many hits may be lost, and with what confidence."""
