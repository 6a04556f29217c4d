"""Rain taken off again."""
