"""The hit finders that real.py judges beside ours, trained on simulated frames with one budget for all."""
