"""Engines: run a federation's coordinator in this process, on a virtual clock, or with real sites."""
