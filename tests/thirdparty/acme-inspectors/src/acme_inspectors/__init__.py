"""A kind of plugins for Adversity, and the first plugin of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity import hookimpl

if TYPE_CHECKING:
    from acme_inspectors.inspector import Inspector
    from adversity import Metric


@hookimpl
def adversity_kinds() -> list[type[Inspector]]:
    """Bring a kind."""
    from acme_inspectors.inspector import Inspector

    return [Inspector]


@hookimpl
def adversity_inspectors() -> list[type[Inspector]]:
    """Offer a plugin of it."""
    from acme_inspectors.contrast import Contrast

    return [Contrast]


@hookimpl
def adversity_metrics() -> list[type[Metric]]:
    """Offer a metric of what its steps leave."""
    from acme_inspectors.mean_inspection import MeanInspection

    return [MeanInspection]
