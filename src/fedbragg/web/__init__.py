"""What every page that fedbragg serves has in common: who may ask it, and where it listens."""
