"""Adapt the model to the labels so far, and count them towards the promise."""
