"""What lies under the spots: rings, films, powders, speckle."""
