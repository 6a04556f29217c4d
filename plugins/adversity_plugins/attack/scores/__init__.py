"""Attacks that see scores and no gradient."""
