"""Drift: whether a run still looks like the frames that the model was calibrated on."""
