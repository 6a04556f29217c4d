"""Blur."""
