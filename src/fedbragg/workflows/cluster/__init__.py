"""Screen the shards of a run on the machines of a cluster, then merge them."""
