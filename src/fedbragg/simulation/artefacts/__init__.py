"""Artefacts that mislead spot counters: changes to a scene, by name."""
