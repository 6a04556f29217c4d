"""Several attacks one after another."""
