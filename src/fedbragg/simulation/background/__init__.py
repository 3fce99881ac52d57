"""Expected photons without crystals: smooth scattering, rings, films, powders, speckle, shadows."""
