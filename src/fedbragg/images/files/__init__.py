"""Formats of one or few images a file: one module a format, CBF and NumPy read here, the others decoded by fabio."""
