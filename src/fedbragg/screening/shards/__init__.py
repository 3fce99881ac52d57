"""Screening beyond one machine: parts of a run, screened apart and merged."""
