"""What is no signal: shadows, bad pixels, zingers."""
