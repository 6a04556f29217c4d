"""A kind of plugins that is only a parameter, one plugin of it, and one that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import hookimpl

if TYPE_CHECKING:
    from acme_kernels.kernel import Kernel
    from adversity import Degradation


@hookimpl
def adversity_kinds() -> list[type[Kernel]]:
    """Bring a kind."""
    from acme_kernels.kernel import Kernel

    return [Kernel]


@hookimpl
def adversity_kernels() -> list[type[Kernel]]:
    """Offer a plugin of it."""
    from acme_kernels.binomial import Binomial

    return [Binomial]


@hookimpl
def adversity_degradations() -> list[type[Degradation]]:
    """Offer what uses it."""
    from acme_kernels.soften import Soften

    return [Soften]
