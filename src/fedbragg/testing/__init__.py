"""Fakes and small stand-ins in the package, for the tests of fedbragg and of code that builds on it."""

from fedbragg.testing.link import DirectLink
from fedbragg.testing.live import FakeSource, fake_series
from fedbragg.testing.run import FakeRun

__all__ = ["DirectLink", "FakeRun", "FakeSource", "fake_series"]
