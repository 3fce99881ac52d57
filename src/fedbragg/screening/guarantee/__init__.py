"""Thresholds with a promise: how many hits may be lost, and with what confidence."""
