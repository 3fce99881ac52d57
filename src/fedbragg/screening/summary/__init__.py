"""Summaries of a run, in memory that does not grow with its length."""
