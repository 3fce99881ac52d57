"""Heal by symmetry and rings, from measured pixels of the same image alone."""
