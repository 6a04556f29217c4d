"""Scores: one number a sample, from its answer."""
