"""Built-in regressors: images in, numbers out, and how sure they are of them."""

from __future__ import annotations

from adversity import Regressor, hookimpl, plugins_in


@hookimpl
def adversity_regressors() -> list[type[Regressor]]:
    """Return the built-in regressors: every one that a file of this folder defines."""
    return plugins_in(__name__, Regressor)
