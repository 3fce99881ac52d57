"""Powder patterns in: columns of text, xrdml, images integrated by pyFAI."""
