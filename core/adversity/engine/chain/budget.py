"""What an attack may do to an image: budgets, measured in float64 on what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.blocks import spans
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["fits_space", "replayed", "sizes", "within_budget"]

SLACK = 1e-6
"""How much larger than the whole space a budget may be: the rounding of its diameter."""
REPLAY = 1e-6
"""How far a replayed image may lie from the one the attack returned: the rounding of the same
sum in another block."""


def fits_space(ready: Ready, images: Tensor) -> None:
    """Refuse a budget that is larger than the whole space of such images: it is on another scale.

    Raises:
        InputError: With the size of the space.
    """
    threat = ready.plugin.threat_model
    if threat.eps is None or not len(images):
        return
    shape, eps = images.shape[1:], float(threat.eps)
    largest = threat.whole_space(shape)
    if eps > largest * (1 + SLACK):
        meant = f"did you mean {eps:g}/255?" if threat.in_norm else "give less"
        raise InputError(
            f"{ready.label}: expected eps of at most {largest:.4g} in "
            f"{threat.in_norm or threat.measured}, where that is any "
            f"image of {' x '.join(map(str, shape))} at all, got {eps:g}; {meant}"
        )


def sizes(ready: Ready, images: Tensor, start: Tensor, ids: Sequence[str]) -> Tensor:
    """Return `[N]` float64, how far an attack went, as its threat measures it.

    Raises:
        PluginError: If that is no size: another shape, NaN, below 0.
    """
    import torch

    threat, parts = ready.plugin.threat_model, []
    for span in spans(len(images), ready.plugin.block_rows):
        rows, here = slice(span.start, span.stop), list(ids[span.start : span.stop])
        try:
            with torch.no_grad():
                measured = threat.measure(images[rows].clone(), start[rows].clone())
        except BREAKS as error:
            ready.guard(error, here)
        fault = rows_fault(measured, rows=len(span))
        if fault is None and float(measured.min()) < 0:
            fault = f"expected 0 or more, got {float(measured.min()):.6g}"
        if fault is not None:
            ready.broke(f"{threat.word}: {fault}", here)
        parts.append(measured.detach().cpu().double())
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)


def within_budget(ready: Ready, changed: Tensor, start: Tensor, ids: Sequence[str]) -> None:
    """Check in float64 that an attack kept within its `eps`, where that is a promise.

    Raises:
        PluginError: If it is overstepped; the message gives the figure and the sample.
    """
    threat = ready.plugin.threat_model
    if threat.nearest or threat.eps is None:
        return
    reached = sizes(ready, changed, start, ids)
    worst = int(reached.argmax())
    if not threat.admits(float(reached[worst])):
        ready.broke(
            f"it overstepped its budget: expected {threat.in_norm or threat.word} <= "
            f"{float(threat.eps):.9g}, got {float(reached[worst]):.9g}",
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
    bounds = ready.plugin.threat_model.bounds
    if set(parameters) != set(bounds):
        ready.broke(f"expected the parameters {sorted(bounds)}, got {sorted(parameters)}", ids)
    checked: dict[str, Tensor] = {}
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
        checked[name] = values
    images = ready.plugin.apply(start.clone(), checked).detach().cpu()
    apart = float((images - changed).abs().max()) if images.shape == changed.shape else float("inf")
    if not apart <= REPLAY:
        ready.broke(
            f"its images are not what its parameters make: `apply` gives others, {apart:.3g} apart",
            ids,
        )
    return images, checked
