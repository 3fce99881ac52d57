"""Real sites, whatever carries their messages.

Read in this order: protocol (the messages), driver (runs the coordinator in real time), service (answers sites and
administrators), client (a site's side), worker_process and worker (where a site trains).
"""
