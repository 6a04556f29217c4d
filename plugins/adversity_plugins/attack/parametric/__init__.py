"""Attacks that turn, shift, recolour, or stay near in feature space."""
