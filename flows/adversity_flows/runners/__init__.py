"""Who computes the shards of a run: threads, processes, or a cluster by its address."""
