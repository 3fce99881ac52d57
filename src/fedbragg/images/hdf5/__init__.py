"""HDF5 files: where their images lie, and how chunks are read without the library's own filters."""
