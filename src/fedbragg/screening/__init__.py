"""Screen runs: frames in, verdicts and files of results out."""
