"""Calibrators: probabilities that mean what they say."""
