"""Light and exposure."""
