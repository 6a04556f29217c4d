"""The machinery: final calls around plugins, blocks, the chain target, steps and shards."""
