"""The page that answers: what can I extend?

A distribution declares one entry point in the group `adversity` that names a module. The
module has functions marked `@hookimpl`, named as below, each returning plugin classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adversity.contracts.attack import Attack
    from adversity.contracts.classifier import Classifier
    from adversity.contracts.dataset import Dataset
    from adversity.contracts.degradation import Degradation
    from adversity.contracts.metric import MetricBase
    from adversity.contracts.restoration import Restoration
    from adversity.contracts.uncertainty import Uncertainty

__all__ = ["GROUP", "KIND_HOOKS", "hookimpl", "hookspec"]

GROUP = "adversity"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)

KIND_HOOKS: dict[str, str] = {
    "adversity_degradations": "degradation",
    "adversity_restorations": "restoration",
    "adversity_classifiers": "classifier",
    "adversity_uncertainties": "uncertainty",
    "adversity_attacks": "attack",
    "adversity_datasets": "dataset",
    "adversity_metrics": "metric",
}
"""Which hook yields which kind."""


@hookspec
def adversity_degradations() -> Iterable[type[Degradation]]:  # type: ignore[empty-body]
    """Return degradation classes."""


@hookspec
def adversity_restorations() -> Iterable[type[Restoration]]:  # type: ignore[empty-body]
    """Return restoration classes."""


@hookspec
def adversity_classifiers() -> Iterable[type[Classifier]]:  # type: ignore[empty-body]
    """Return classifier classes."""


@hookspec
def adversity_uncertainties() -> Iterable[type[Uncertainty]]:  # type: ignore[empty-body]
    """Return uncertainty classes."""


@hookspec
def adversity_attacks() -> Iterable[type[Attack]]:  # type: ignore[empty-body]
    """Return attack classes."""


@hookspec
def adversity_datasets() -> Iterable[type[Dataset]]:  # type: ignore[empty-body]
    """Return data set classes."""


@hookspec
def adversity_metrics() -> Iterable[type[MetricBase]]:  # type: ignore[empty-body]
    """Return metric classes."""


@hookspec
def adversity_run_started(run: Mapping[str, Any]) -> None:
    """Hear that a run starts.

    Args:
        run: `id`, `pipeline`, `folder`, `steps`.
    """


@hookspec
def adversity_step_finished(run: Mapping[str, Any], step: Mapping[str, Any]) -> None:
    """Hear that a step finished.

    Args:
        run: As in `adversity_run_started`.
        step: `id`, `outcome` (`ran` or `cached`), `reason`, `seconds`, `measures`, `folder`.
    """


@hookspec
def adversity_run_finished(run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Hear that a run ended.

    Args:
        run: As in `adversity_run_started`.
        result: `verdict`, `exit_code`, `gates`, `report`.
    """
