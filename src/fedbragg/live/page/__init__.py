"""A page that shows how a watch goes on, and its figures for other programs."""
