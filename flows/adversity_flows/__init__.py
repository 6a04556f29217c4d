"""Prefect flows, the DVC recorder and the command line around the core."""
