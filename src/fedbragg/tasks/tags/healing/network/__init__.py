"""Heal by a small network that learnt from simulated images."""
