"""Images that several stages compute, each for itself: views are not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.pipeline.plan.paths import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.pipeline.plan.model import PlannedStep, Stage

__all__ = ["repeated_views"]


def repeated_views(
    stages: Iterable[Stage], steps: Mapping[str, PlannedStep]
) -> dict[str, tuple[str, ...]]:
    """Return the views that compute the same images in several stages, with these stages.

    An attack passes its own images through the links behind `from:`; only what comes
    before counts here.
    """
    consumers: dict[str, list[str]] = {}
    for stage in stages:
        planned = steps.get(stage.step)
        if planned is None:
            continue
        fitting = planned.fitted_by
        behind = ancestors(planned.id, steps).union(
            fitting, *(ancestors(name, steps) for name in fitting)
        )
        for view in stage.views:
            if view in behind:
                consumers.setdefault(view, []).append(stage.step)
    return {view: tuple(names) for view, names in consumers.items() if len(names) > 1}
