"""Turn expected photons into counts: panels, exposure, read-out, defects."""
