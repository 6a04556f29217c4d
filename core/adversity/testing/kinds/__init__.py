"""Promises of each kind: a module, or a package, named after it."""
