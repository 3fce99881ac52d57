"""Artefacts that fool spot counters: changes to a scene, by name."""
