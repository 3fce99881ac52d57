"""Screen diffraction images with models that facilities train together without sharing an image."""

__version__ = "0.1.0"
