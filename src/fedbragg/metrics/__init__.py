"""Metrics of predictions: proportions, ranks, reliability and sample sizes, each with its interval or bound."""
