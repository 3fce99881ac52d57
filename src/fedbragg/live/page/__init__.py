"""A page that shows the progress of a watch, and its figures for other programs."""
