"""The final call of each kind: the author's method, surrounded by checks.

A plugin gets a copy of its input and must give back what its contract promises; a broken
promise is a `PluginError` that names the plugin, its distribution and the sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Classifier, Degradation, Degraded, Restoration, Score
from adversity.engine.calls.alone import each_by_itself, rows_of
from adversity.engine.calls.blocks import network_rows
from adversity.engine.calls.final_call import FinalCall, named
from adversity.engine.calls.ready import BREAKS, Ready
from adversity.engine.calls.side import fault_of, from_parameter, require_need
from adversity.errors import PluginError
from adversity.shapes import image_fault, probs_fault, rows_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Predictive
    from adversity.seeding import SampleRng

__all__ = [
    "BREAKS",
    "Ready",
    "calibrate",
    "degrade",
    "features",
    "logits",
    "measure",
    "needs_of",
    "restore",
    "score",
]


def degrade(ready: Ready, images: Tensor, rng: SampleRng) -> Degraded:
    """Run a degradation on `[N, C, H, W]` float32 in [0, 1], in blocks.

    Raises:
        PluginError: If the answer breaks the contract.
    """
    plugin: Degradation = ready.plugin
    names: list[str] = []

    def run(index: list[int]) -> list[Tensor]:
        streams, here = rng.fresh([rng.ids[i] for i in index]), named(rng.ids, index)
        answer = FinalCall(ready).ask("degrade", here, images[index], rng=streams)
        degraded = answer if isinstance(answer, Degraded) else Degraded(answer)
        fault = image_fault(degraded.images, rows=len(index))
        shape = [len(index), *images.shape[1:]]
        if fault is None and not plugin.resizes and list(degraded.images.shape) != shape:
            fault = f"expected shape {shape}, got {list(degraded.images.shape)}"
        fault = fault or fault_of(degraded)
        if fault is not None:
            ready.broke(fault, here)
        if names not in ([], ["images", *degraded.side]):
            ready.broke(
                f"expected side information {names[1:]} as before, got {list(degraded.side)}", here
            )
        names[:] = ["images", *degraded.side]
        return [degraded.images, *degraded.side.values()]

    worse, *side = FinalCall(ready).blocks(images, rng.ids, run, names=names)
    return Degraded(worse, dict(zip(names[1:], side, strict=True)))


def needs_of(
    ready: Ready, images: Tensor, side: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Fill a restoration's needs: a parameter, else side information, else its estimate.

    Returns:
        The needs, each with first axis N, and for each where it came from.
    """
    plugin: Restoration = ready.plugin
    values: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    estimated: Mapping[str, Tensor] | None = None
    for need in plugin.needs:
        parameter = getattr(plugin, need, None)
        if parameter is not None:
            values[need], origin[need] = from_parameter(need, parameter, images), "parameter"
        elif need in side:
            values[need], origin[need] = side[need].to(images.device), "side"
        else:
            if estimated is None:
                estimated = FinalCall(ready).ask("estimate", (), images)
            if need not in estimated:
                raise PluginError(
                    f"{ready.label} needs {need!r}: expected it as a parameter, from the "
                    "degradation's side information or from the plugin's own estimate, and got "
                    f"none of them; give `with: {{{need}: ...}}`."
                )
            values[need], origin[need] = estimated[need].to(images.device), "estimate"
        require_need(ready, need, values[need], origin[need], images)
    return values, origin


def restore(
    ready: Ready, images: Tensor, side: Mapping[str, Tensor], ids: Sequence[str]
) -> tuple[Tensor, dict[str, str]]:
    """Run a restoration on `[N, C, H, W]` float32 in [0, 1], in blocks.

    Args:
        ready: The restoration.
        images: What to restore.
        side: What the degradation said of itself, each with first axis N.
        ids: N sample ids, for messages.

    Returns:
        The restored images, and for each need where it came from.

    Raises:
        PluginError: If the answer breaks the contract.
    """
    origin: dict[str, str] = {}

    def run(index: list[int]) -> list[Tensor]:
        block = images[index].to(ready.device)
        here = named(ids, index)
        needs, computed = needs_of(ready, block, {name: v[index] for name, v in side.items()})
        origin.update(computed)
        answer: Tensor = FinalCall(ready).ask("restore", here, block, **needs)
        fault = image_fault(answer, rows=len(block))
        shape = [*block.shape[:2], *(size * ready.plugin.scale for size in block.shape[2:])]
        if fault is None and list(answer.shape) != shape:
            fault = f"expected shape {shape}, got {list(answer.shape)}"
        if fault is not None:
            ready.broke(fault, here)
        return [answer]

    return FinalCall(ready).blocks(images, ids, run)[0], origin


def logits(ready: Ready, images: Tensor, ids: Sequence[str]) -> Tensor:
    """Run a classifier in blocks; return what it `gives`, `[N, K]` float32, finite.

    Raises:
        PluginError: If the answer breaks the contract.
    """
    plugin: Classifier = ready.plugin

    def run(index: list[int]) -> list[Tensor]:
        here = named(ids, index)
        classes = len(plugin.class_names)
        answer: Tensor = FinalCall(ready).ask("logits", here, images[index])
        fault = rows_fault(answer, rows=len(index), columns=classes)
        if fault is None and plugin.gives == "probs":
            fault = probs_fault(answer)
        if fault is not None:
            ready.broke(fault, here)
        return [answer.float()]

    return FinalCall(ready).blocks(images, ids, run, network_rows(plugin, images))[0]


def features(ready: Ready, images: Tensor, ids: Sequence[str]) -> Tensor | None:
    """Run a classifier's features in blocks; return `[N, D]`, or None where it offers none.

    Raises:
        PluginError: If the answer breaks the contract.
    """

    def run(index: list[int]) -> list[Tensor]:
        here = named(ids, index)
        answer: Any = FinalCall(ready).ask("features", here, images[index])
        if answer is None and index[0] == 0:
            return []
        fault = rows_fault(answer, rows=len(index), columns=0)
        if fault is not None:
            ready.broke(f"features: {fault}", here)
        return [answer]

    rows = network_rows(ready.plugin, images)
    blocks = FinalCall(ready).blocks(images, ids, run, rows, what="features")
    return blocks[0] if blocks else None


def calibrate(ready: Ready, values: Tensor, ids: Sequence[str]) -> Tensor:
    """Run a calibrator on logits `[N, K]`, in blocks; return probabilities `[N, K]`."""

    def run(index: list[int]) -> list[Tensor]:
        here = named(ids, index)
        answer: Tensor = FinalCall(ready).ask("calibrate", here, values[index])
        fault = rows_fault(answer, rows=len(index), columns=values.shape[1]) or probs_fault(answer)
        if fault is not None:
            ready.broke(fault, here)
        return [answer.float()]

    return FinalCall(ready).blocks(values, ids, run)[0]


def score(ready: Ready, predictive: Predictive, ids: Sequence[str]) -> Tensor:
    """Run a score on stored predictions; return `[N]` float64, higher = less sure."""
    plugin: Score = ready.plugin
    given = next(v for v in (predictive.probs, predictive.logits, predictive.mean) if v is not None)

    def answered(index: list[int] | slice, here: Sequence[str]) -> Tensor:
        try:
            answer = plugin.score(rows_of(predictive, index, ready.device))
        except BREAKS as error:
            ready.guard(error, here)
        fault = rows_fault(answer, rows=len(here))
        if fault is not None:
            ready.broke(fault, here)
        return answer

    def again(index: list[int]) -> list[Tensor]:
        return [answered(index, [ids[i] for i in index])]

    answer = answered(slice(None), ids)
    each_by_itself(ready, given, [answer], again, ids, copies=1)
    return answer.cpu().double()


def measure(ready: Ready, images: Tensor, reference: Tensor, ids: Sequence[str]) -> Tensor:
    """Run an image metric; return `[N]` float64 (infinity is a value: identical images)."""

    def run(index: list[int]) -> list[Tensor]:
        here = named(ids, index)
        answer: Tensor = FinalCall(ready).ask("measure", here, images[index], reference[index])
        fault = rows_fault(answer, rows=len(index), finite=False)
        if fault is None and bool(answer.isnan().any()):
            fault = "expected a number, got NaN"
        if fault is not None:
            ready.broke(fault, here)
        return [answer]

    return FinalCall(ready).blocks(images, ids, run)[0].double()
