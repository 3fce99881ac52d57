"""Fakes and small stand-ins that ship, for the tests of fedbragg and of whoever builds on it."""
