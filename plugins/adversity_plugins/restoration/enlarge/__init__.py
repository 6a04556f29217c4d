"""Low resolution made high: super-resolution."""
