"""Names of files and datasets in virtual datasets, where ``%b`` means a number and ``%%`` a percent sign."""

from __future__ import annotations


def to_virtual_name(name: str) -> str:
    """Return a name as a virtual dataset stores it."""
    return name.replace("%", "%%")


def from_virtual_name(name: str) -> str:
    """Return the name that a virtual dataset stores."""
    return name.replace("%%", "%")
