"""Telling somebody how a run went: `notify:` of a pipeline file."""
