"""Fill the gaps of scattering images: by symmetry and rings, by smooth surfaces, or by a network."""
