"""Secure aggregation: the server learns the sum of masked updates, and no update of a single site.

Bonawitz et al., Practical Secure Aggregation for Privacy-Preserving Machine Learning, CCS 2017, with double masks.
Read in this order: terms and fixed_point (what is summed), shamir, masks and sealing (how it is hidden), identity and
signed_lists (who may ask for what), messages, site and server (two state machines without I/O), requirements (which
settings allow it). docs/decisions/0108 says why.
"""
