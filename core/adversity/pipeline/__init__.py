"""The pipeline file: loading it, resolving it to a plan, judging its gates."""
