"""How good predictions are: proportions, ranks and reliability, each with its interval."""
