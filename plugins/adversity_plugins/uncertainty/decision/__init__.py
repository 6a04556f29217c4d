"""Decisions: which classes an answer leaves possible."""
