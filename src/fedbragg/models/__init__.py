"""Networks, and the file that a trained one lives in."""
