"""Frames as the page shows them, and a model's judgement of them."""
