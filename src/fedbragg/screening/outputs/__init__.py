"""The files that screening writes: tables while it runs, files of hits at the end."""
