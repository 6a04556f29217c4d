"""Attacks that see the decision alone."""
