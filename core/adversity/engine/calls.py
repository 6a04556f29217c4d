"""The final call of each kind: the author's method, surrounded by checks.

A plugin gets a copy of its input and must give back what its contract promises; a broken
promise is a `PluginError` that names the plugin, its distribution and the sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.contracts import Classifier, Degradation, Degraded, PostHoc, Restoration, Score
from adversity.engine.blocks import network_rows, padded, spans
from adversity.engine.ready import BREAKS, Ready, setting_up
from adversity.errors import PluginError
from adversity.shapes import image_fault, rows_fault

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
    "logits",
    "measure",
    "needs_of",
    "probability_rows",
    "restore",
    "score",
    "setting_up",
]


ROUNDED = 1e-4
"""How far probabilities may sum from 1: float32 sums of up to 1e5 terms round to about 1e-5."""


def _blocks(ready: Ready, count: int) -> list[range]:
    return list(spans(count, ready.plugin.block_rows))


def _call(ready: Ready, method: str, ids: Sequence[str], given: Tensor, **kwargs: Any) -> Any:
    """Call a method on a copy of `given`; a changed copy is a broken promise."""
    import torch

    copy = given.clone()
    try:
        with torch.no_grad():
            answer = getattr(ready.plugin, method)(copy, **kwargs)
    except BREAKS as error:
        ready.guard(error, ids)
    if not torch.equal(copy, given):
        ready.broke("it changed its input in place; expected the input to be left alone", ids)
    return answer


def degrade(ready: Ready, images: Tensor, rng: SampleRng) -> Degraded:
    """Run a degradation on `[N, C, H, W]` float32 in [0, 1], in blocks.

    Raises:
        PluginError: If the answer breaks the contract.
    """
    import torch

    plugin: Degradation = ready.plugin
    parts: list[Degraded] = []
    for span in _blocks(ready, len(images)):
        here = rng.ids[span.start : span.stop]
        block = padded(images[span.start : span.stop], plugin.block_rows).to(ready.device)
        streams = rng.fresh([*here, *here[-1:] * (len(block) - len(here))])
        answer = _call(ready, "degrade", here, block, rng=streams)
        degraded = answer if isinstance(answer, Degraded) else Degraded(answer)
        fault = image_fault(degraded.images, rows=len(block))
        if fault is None and not plugin.resizes and degraded.images.shape != block.shape:
            fault = f"expected shape {list(block.shape)}, got {list(degraded.images.shape)}"
        fault = fault or _side_fault(degraded.side, len(block))
        if fault is not None:
            ready.broke(fault, here)
        side = {name: value[: len(span)].cpu() for name, value in degraded.side.items()}
        parts.append(Degraded(degraded.images[: len(span)].cpu(), side))
    names = parts[0].side.keys()
    return Degraded(
        torch.cat([part.images for part in parts]),
        {name: torch.cat([part.side[name] for part in parts]) for name in names},
    )


def _side_fault(side: Mapping[str, Tensor], rows: int) -> str | None:
    for name, value in side.items():
        if len(value) != rows:
            return f"expected side information {name!r} with {rows} rows, got {len(value)}"
        if not bool(value.isfinite().all()):
            return f"expected finite side information {name!r}, got NaN or infinity"
    return None


def needs_of(
    ready: Ready, images: Tensor, side: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Fill a restoration's needs: a parameter, else side information, else its estimate.

    Returns:
        The needs, each with first axis N, and for each where it came from.
    """
    import torch

    plugin: Restoration = ready.plugin
    values: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    estimated: Mapping[str, Tensor] | None = None
    for need in plugin.needs:
        parameter = getattr(plugin, need, None)
        if parameter is not None:
            row = torch.as_tensor(parameter, dtype=torch.float32)
            values[need] = row.expand(len(images), *row.shape)
            origin[need] = "parameter"
        elif need in side:
            values[need], origin[need] = side[need], "side"
        else:
            if estimated is None:
                estimated = _call(ready, "estimate", (), images)
            if need not in estimated:
                raise PluginError(
                    f"{ready.label} needs {need!r}: expected it as a parameter, from the "
                    "degradation's side information or from the plugin's own estimate, and got "
                    f"none of them; give `with: {{{need}: ...}}`."
                )
            values[need], origin[need] = estimated[need], "estimate"
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
    import torch

    plugin: Restoration = ready.plugin
    parts: list[Tensor] = []
    origin: dict[str, str] = {}
    for span in _blocks(ready, len(images)):
        rows = slice(span.start, span.stop)
        block = padded(images[rows], plugin.block_rows).to(ready.device)
        known = {name: padded(value[rows], plugin.block_rows) for name, value in side.items()}
        needs, origin = needs_of(ready, block, known)
        here = ids[span.start : span.stop]
        answer = _call(ready, "restore", here, block, **needs)
        fault = image_fault(answer, rows=len(block))
        wanted = [*block.shape[:2], *(size * plugin.scale for size in block.shape[2:])]
        if fault is None and list(answer.shape) != wanted:
            fault = f"expected shape {wanted}, got {list(answer.shape)}"
        if fault is not None:
            ready.broke(fault, here)
        parts.append(answer[: len(span)].cpu())
    return torch.cat(parts), origin


def logits(ready: Ready, images: Tensor, ids: Sequence[str]) -> Tensor:
    """Run a classifier in blocks; return what it `gives`, `[N, K]` float32, finite.

    Raises:
        PluginError: If the answer breaks the contract.
    """
    import torch

    plugin: Classifier = ready.plugin
    classes = len(plugin.class_names)
    parts: list[Tensor] = []
    size = network_rows(plugin, images)
    for span in spans(len(images), size):
        block = padded(images[span.start : span.stop], size).to(ready.device)
        here = ids[span.start : span.stop]
        answer = _call(ready, "logits", here, block)
        fault = rows_fault(answer, rows=len(block), columns=classes)
        if fault is None and plugin.gives == "probs":
            fault = _probs_fault(answer)
        if fault is not None:
            ready.broke(fault, here)
        parts.append(answer[: len(span)].float().cpu())
    return torch.cat(parts)


def probability_rows(values: Tensor) -> Tensor:
    """Return `[N]` bool: no value of the row is below 0, and they sum to 1.

    Logits seldom do by chance: the sum of one row in thousands comes as near to 1.
    """
    total = values.double().sum(1)
    return (values >= 0).all(1) & ((total - 1).abs() <= ROUNDED)


def _probs_fault(probs: Tensor) -> str | None:
    low, total = float(probs.min()), probs.double().sum(1)
    if low < 0 or float((total - 1).abs().max()) > ROUNDED:
        return f"expected rows of probabilities that sum to 1, got a sum of {float(total[0]):.6g}"
    return None


def calibrate(ready: Ready, values: Tensor, ids: Sequence[str]) -> Tensor:
    """Run a calibrator on logits `[N, K]`, in blocks; return probabilities `[N, K]`."""
    import torch

    plugin: PostHoc = ready.plugin
    parts: list[Tensor] = []
    for span in _blocks(ready, len(values)):
        block = padded(values[span.start : span.stop], plugin.block_rows)
        here = ids[span.start : span.stop]
        answer = _call(ready, "calibrate", here, block)
        fault = rows_fault(answer, rows=len(block), columns=values.shape[1]) or _probs_fault(answer)
        if fault is not None:
            ready.broke(fault, here)
        parts.append(answer[: len(span)].float())
    return torch.cat(parts)


def score(ready: Ready, predictive: Predictive, ids: Sequence[str]) -> Tensor:
    """Run a score on stored predictions; return `[N]` float64, higher = less sure."""
    plugin: Score = ready.plugin
    try:
        answer = plugin.score(predictive)
    except BREAKS as error:
        ready.guard(error, ids)
    fault = rows_fault(answer, rows=len(ids))
    if fault is not None:
        ready.broke(fault, ids)
    return answer.double()


def measure(ready: Ready, images: Tensor, reference: Tensor, ids: Sequence[str]) -> Tensor:
    """Run an image metric; return `[N]` float64 (infinity is a value: identical images)."""
    import torch

    parts: list[Tensor] = []
    size = ready.plugin.block_rows
    for span in _blocks(ready, len(images)):
        rows = slice(span.start, span.stop)
        block, clean = padded(images[rows], size), padded(reference[rows], size)
        try:
            answer = ready.plugin.measure(block, clean)
        except BREAKS as error:
            ready.guard(error, ids[rows])
        fault = rows_fault(answer, rows=len(block), finite=False)
        if fault is None and bool(answer.isnan().any()):
            fault = "expected a number, got NaN"
        if fault is not None:
            ready.broke(fault, ids[rows])
        parts.append(answer[: len(span)].double())
    return torch.cat(parts)
