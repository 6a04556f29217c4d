"""What an attack may do to an image: budgets, measured in float64 on what is stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from adversity.engine.calls.blocks import spans
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.engine.calls.final_calls import Ready

__all__ = [
    "allowed",
    "distances",
    "fits_space",
    "replayed",
    "sizes",
    "whole_space",
    "within",
    "within_budget",
]

SLACK = 1e-6
"""Relative slack of the budget: what a float32 norm may round over a float64 one."""
FEATURES = 1e-5
"""Relative slack of an attack's own distance. On one type of CPU it is measured to the same bits,
since a network is called in blocks of a fixed size; on another device features may round to this."""
HALF_SPACING = 2.0**-25
"""Absolute slack in linf: a float32 value below 1 may lie so far from the sum it stands for."""
REPLAY = 1e-6
"""How far a replayed image may lie from the one the attack returned: the rounding of the same
sum in another block."""


def whole_space(norm: str, values: int) -> float:
    """Return the eps within which every image lies: the diameter of [0, 1] to the `values`."""
    if norm == "linf":
        return 1.0
    return math.sqrt(values) if norm == "l2" else float(values)


def fits_space(ready: Ready, images: Tensor) -> None:
    """Refuse a budget that is larger than the whole space of such images: it is on another scale.

    Raises:
        InputError: With the size of the space.
    """
    eps, norm = getattr(ready.plugin, "eps", None), str(getattr(ready.plugin, "norm", "l2"))
    if eps is None or ready.plugin.threat not in ("norm", "minimum"):
        return
    largest = whole_space(norm, images[0].numel()) if len(images) else math.inf
    if float(eps) > largest * (1 + SLACK):
        raise InputError(
            f"{ready.label}: expected eps of at most {largest:.4g} in {norm}, where that is any "
            f"image of {' x '.join(map(str, images.shape[1:]))} at all, got {float(eps):g}; did "
            f"you mean {float(eps):g}/255?"
        )


def distances(images: Tensor, start: Tensor, norm: str) -> Tensor:
    """Return `[N]` float64 sizes of `images - start` in `linf`, `l2` or `l1`."""
    delta = (images.double() - start.double()).flatten(1)
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


def sizes(ready: Ready, images: Tensor, start: Tensor, ids: Sequence[str]) -> Tensor:
    """Return `[N]` float64, how far an attack went: in its norm, or by its own distance.

    Raises:
        PluginError: If its own distance is not one: another shape, NaN, below 0.
    """
    import torch

    plugin = ready.plugin
    if plugin.threat != "distance":
        return distances(images, start, str(getattr(plugin, "norm", "l2")))
    parts = []
    for span in spans(len(images), plugin.block_rows):
        rows, here = slice(span.start, span.stop), list(ids[span.start : span.stop])
        try:
            with torch.no_grad():
                found = plugin.distance(images[rows].clone(), start[rows].clone())
        except BREAKS as error:
            ready.guard(error, here)
        fault = rows_fault(found, rows=len(span))
        if fault is None and float(found.min()) < 0:
            fault = f"expected 0 or more, got {float(found.min()):.6g}"
        if fault is not None:
            ready.broke(f"distance: {fault}", here)
        parts.append(found.detach().cpu().double())
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)


def allowed(norm: str, eps: float) -> float:
    """Return what a distance may be that counts as within `eps`.

    Args:
        norm: `linf`, `l2`, `l1`; anything else is an attack's own distance.
        eps: The budget.
    """
    if norm not in ("linf", "l2", "l1"):
        return eps * (1 + FEATURES)
    return eps * (1 + SLACK) + (HALF_SPACING if norm == "linf" else 0.0)


def within(plugin: Any, found: Tensor) -> Tensor:
    """Return `[N]` bool: a failure at such a distance counts as the attack's success.

    Only an attack with `threat = "minimum"` may come back with more than its `eps`.
    """
    eps = getattr(plugin, "eps", None) if plugin.threat == "minimum" else None
    if eps is None:
        return found >= 0
    return found <= allowed(getattr(plugin, "norm", "l2"), float(eps))


def within_budget(ready: Ready, changed: Tensor, start: Tensor, ids: Sequence[str]) -> None:
    """Check in float64 the budget of an attack in a norm or by a distance of its own.

    Raises:
        PluginError: If it is overstepped; the message gives the figure and the sample.
    """
    plugin = ready.plugin
    if plugin.threat not in ("norm", "distance"):
        return
    norm, eps = ("distance" if plugin.threat == "distance" else plugin.norm), float(plugin.eps)
    found = sizes(ready, changed, start, ids)
    worst = int(found.argmax())
    if float(found[worst]) > allowed(norm, eps):
        ready.broke(
            f"it overstepped its budget: expected {norm} <= {eps:.9g}, got "
            f"{float(found[worst]):.9g}",
            [ids[worst]],
        )


def replayed(
    ready: Ready,
    changed: Tensor,
    parameters: Mapping[str, Tensor],
    start: Tensor,
    ids: Sequence[str],
) -> tuple[Tensor, dict[str, Tensor]]:
    """Check a parametric attack's budget and make its images again from its parameters.

    Args:
        ready: The attack.
        changed: `[N, C, H, W]`, what it says its parameters make.
        parameters: Named `[N]` tensors.
        start: `[N, C, H, W]`, what it started from.
        ids: The samples.

    Returns:
        The images that `apply` makes, which are what is stored, and the parameters, float64.

    Raises:
        PluginError: If a parameter is missing, has another shape or lies outside its bounds,
            or if the images are not what the parameters make.
    """
    bounds = ready.plugin.bounds
    if set(parameters) != set(bounds) or not bounds:
        ready.broke(f"expected the parameters {sorted(bounds)}, got {sorted(parameters)}", ids)
    found: dict[str, Tensor] = {}
    for name, (low, high) in bounds.items():
        values = parameters[name].detach().cpu().double()
        if values.shape != (len(start),):
            ready.broke(f"expected {name} [{len(start)}], got {list(values.shape)}", ids)
        bad = ~((values >= low) & (values <= high))
        if bool(bad.any()):
            first = int(bad.nonzero()[0])
            ready.broke(
                f"it overstepped its budget: expected {name} in [{low:.9g}, {high:.9g}], got "
                f"{float(values[first]):.9g}",
                [ids[first]],
            )
        found[name] = values
    made = ready.plugin.apply(start.clone(), parameters).detach().cpu()
    apart = float((made - changed).abs().max()) if made.shape == changed.shape else float("inf")
    if not apart <= REPLAY:
        ready.broke(
            f"its images are not what its parameters make: `apply` gives others, {apart:.3g} apart",
            ids,
        )
    return made, found
