"""What compression left in an image, taken off again."""
