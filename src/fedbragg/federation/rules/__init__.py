"""The rules by which the sites' updates become one model."""
