"""Real sites over NVIDIA FLARE: its kits, certificates and messages carry this project's server and clients.

The parts that need no FLARE are in engines/remote. Here kits and authorization make a federation's participants, cells
carries messages, the components start server and client in FLARE's processes, and admin_client with admin_commands
are the coordinator's way to the server. docs/how-to/real-sites.md explains the protocol.
"""
