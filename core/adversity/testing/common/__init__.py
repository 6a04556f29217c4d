"""Promises of every plugin, or of several kinds."""
