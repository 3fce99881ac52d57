"""Frames as the detector sends them: sources, and the scoring and writing of their series."""
