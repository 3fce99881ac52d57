"""Micrographs with their truth: grains and precipitates grown by physics, pictured in drawn styles."""
