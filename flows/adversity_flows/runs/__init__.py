"""Finished runs: where they lie, their pages, changes since the last one."""
