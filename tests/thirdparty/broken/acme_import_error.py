"""Needs a package that nobody installed."""

import a_package_nobody_has  # noqa: F401
