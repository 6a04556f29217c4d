"""What the shards of a run share: plugins that are set up, data sets, classes."""
