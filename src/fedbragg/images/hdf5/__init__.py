"""HDF5 files: where their images lie, how chunks are decoded without HDF5's own filters, and how runs are written."""
