"""From photons to counts: panels, exposure, read-out, defects."""
