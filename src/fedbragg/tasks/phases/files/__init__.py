"""Files of powder patterns: columns of text, .xrdml, .npy, and images integrated by pyFAI."""
