"""Plugins made ready for a run: those in parameters, those of steps, with classes and files."""
