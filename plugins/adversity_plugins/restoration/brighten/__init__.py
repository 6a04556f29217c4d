"""Dark images made brighter."""
