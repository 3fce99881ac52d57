"""What fedbragg does as a whole: each module is one thing that a user asks for, from its inputs to its results."""
