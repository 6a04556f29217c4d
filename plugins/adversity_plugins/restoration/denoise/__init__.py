"""Noise taken out."""
