"""Files that screening writes."""
