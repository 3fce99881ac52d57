"""Whole jobs: each module does one thing that a user asks for, from its inputs to its results."""
