"""The version of fedbragg, which model files and reports name."""

__version__ = "0.1.0"
