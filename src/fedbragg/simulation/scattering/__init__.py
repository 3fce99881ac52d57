"""Simulate scattering images at small and wide angles and at grazing incidence, with their tags."""
