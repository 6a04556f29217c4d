"""Do the plugins on the way take the channels of the images? Asked before anything is computed."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from adversity.engine.calls.final_call import CLAIM_MORE
from adversity.errors import InputError
from adversity.shapes import channels_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adversity.data.reading import Source
    from adversity.pipeline.plan.model import PlannedStep

__all__ = ["require_channels"]


def require_channels(source: Source, data: str, links: Iterable[PlannedStep]) -> None:
    """Refuse images of a number of channels that some step does not take.

    Args:
        source: The data set; no step changes how many channels its images have.
        data: Its name.
        links: The steps that its images go through.

    Raises:
        InputError: With the step's line, its plugin and both numbers.
    """
    counts = sorted({shape[0] for shape in source.shapes})
    for link in links:
        for entry, count in product(link.plugin_entries, counts):
            for plugin in link.plugins_of(entry):
                fault = channels_fault(plugin.takes_channels(), count)
                if fault is not None:
                    raise InputError(f"{link.line}: {entry.label} {fault} in {data}; {CLAIM_MORE}")
