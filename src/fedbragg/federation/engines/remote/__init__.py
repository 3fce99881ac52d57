"""Real sites, over any network.

Read in this order: protocol and update_message (what is sent), sessions and driver (run the coordinator in real time),
hosted and service (the server), client_state and client (a site), worker_process and worker (where a site trains).
The commands that start other programs come from the caller: nothing here knows a workflow.
"""
