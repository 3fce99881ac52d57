"""Frames as the detector sends them: sources, and what is made of their series as they come."""
