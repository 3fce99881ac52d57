"""What a materials scientist measures on a segmented micrograph: grains, phase fractions and grain size numbers."""
