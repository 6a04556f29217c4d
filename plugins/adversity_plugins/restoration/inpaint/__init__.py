"""What is missing, filled in from around it."""
