"""Ends the interpreter when it is imported."""

raise SystemExit("acme has no licence key")
