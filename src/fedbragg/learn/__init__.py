"""Training of one network: loop, settings, states, threads."""
