"""What an uncertainty method promises: a bench for each shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Combine, Decide, Detector, PostHoc, Sampling, Score
from adversity.errors import InputError
from adversity.testing.kinds.uncertainty.acceptance import AcceptBench
from adversity.testing.kinds.uncertainty.draws import SamplingBench
from adversity.testing.kinds.uncertainty.features import DetectorBench
from adversity.testing.kinds.uncertainty.logits import PostHocBench, ScoreBench
from adversity.testing.kinds.uncertainty.members import CombineBench, MembersBench
from adversity.testing.kinds.uncertainty.sets import DecideBench

if TYPE_CHECKING:
    from adversity.contracts import PluginBase
    from adversity.testing.bench.bench import Bench

__all__ = [
    "AcceptBench",
    "CombineBench",
    "DecideBench",
    "DetectorBench",
    "MembersBench",
    "PostHocBench",
    "SamplingBench",
    "ScoreBench",
    "bench_for",
]


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the method's shape.

    Raises:
        InputError: If the engine does not run methods of this shape yet.
    """
    if issubclass(plugin, Score) and plugin.needs_members:
        return MembersBench
    if issubclass(plugin, Decide) and plugin.decides == "accept":
        return AcceptBench
    shapes = (
        (Score, ScoreBench),
        (PostHoc, PostHocBench),
        (Combine, CombineBench),
        (Decide, DecideBench),
        (Sampling, SamplingBench),
        (Detector, DetectorBench),
    )
    for shape, bench in shapes:
        if issubclass(plugin, shape):
            return bench
    raise InputError(
        "expected a Score, a PostHoc, a Combine, a Decide, a Sampling or a Detector, got "
        f"{plugin.__name__}: inherit from one of them"
    )
