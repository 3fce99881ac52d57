"""Real sites, whatever carries their messages: server, client, worker and what they say to each other."""
