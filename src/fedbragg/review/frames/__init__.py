"""Frames as the page shows them, and what a model makes of them."""
