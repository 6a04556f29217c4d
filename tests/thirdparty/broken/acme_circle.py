"""Imports a name from itself that is not there yet."""

from acme_circle import Later  # noqa: F401
