"""Fakes and small stand-ins that ship, for the tests of fedbragg and of whoever builds on it."""

from fedbragg.testing.link import DirectLink
from fedbragg.testing.run import FakeRun

__all__ = ["DirectLink", "FakeRun"]
