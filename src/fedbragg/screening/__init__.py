"""Frames to verdicts, and the files that say so."""
