"""The conformance kit as a whole: all checks, their outcomes, and pytest."""
