"""Hit finding: whether a frame shows Bragg spots."""
