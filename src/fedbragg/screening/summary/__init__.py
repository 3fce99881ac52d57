"""What a run showed, in memory that does not grow with its length."""
