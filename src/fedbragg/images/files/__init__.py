"""Single-image files: CBF, the formats that fabio reads, and NumPy arrays."""
