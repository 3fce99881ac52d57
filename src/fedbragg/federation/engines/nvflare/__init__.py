"""Real sites over NVIDIA FLARE: its kits, certificates and cells carry this project's coordinator and trainers.

Read in this order: messages (what travels), conductor (the coordinator's side), office (who may ask what of it),
agent (a site's side), keeper and trainer (where a site trains); kits, server, site, account and command bind
these to NVIDIA FLARE. docs/how-to/real-sites.md tells the protocol.
"""
