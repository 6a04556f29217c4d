"""Raises KeyboardInterrupt itself; no key was pressed."""

raise KeyboardInterrupt
