"""From a crystal to its spots: structure, reflections, diffraction, brightness, visibility."""
