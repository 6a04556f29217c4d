"""One stage of the plan, cut into shards: rows and images computed, stored, and read back."""
