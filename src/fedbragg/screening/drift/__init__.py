"""The watch on a run: does it still look like the frames that the model was calibrated on."""
