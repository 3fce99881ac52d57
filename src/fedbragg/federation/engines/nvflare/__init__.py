"""Real sites over NVIDIA FLARE: its kits, certificates and connections, with this project's server and clients.

The parts that need no FLARE are in engines/remote. Here kits and authorization set up a federation's participants,
cells sends messages, the components start server and client in FLARE's processes, and admin_client with admin_commands
lets accounts reach the server. docs/how-to/real-sites.md explains what is sent.
"""
