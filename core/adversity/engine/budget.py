"""What an attack may do to an image: budgets, measured in float64 on what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.engine.calls import Ready

__all__ = ["allowed", "distances", "replayed", "within", "within_budget"]

SLACK = 1e-6
"""Relative slack of the budget: what a float32 norm may round over a float64 one."""
HALF_SPACING = 2.0**-25
"""Absolute slack in linf: a float32 value below 1 may lie so far from the sum it stands for."""
REPLAY = 1e-6
"""How far a replayed image may lie from the one the attack returned: the rounding of the same
sum in another block."""


def distances(images: Tensor, start: Tensor, norm: str) -> Tensor:
    """Return `[N]` float64 sizes of `images - start` in `linf`, `l2` or `l1`."""
    delta = (images.double() - start.double()).flatten(1)
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


def allowed(norm: str, eps: float) -> float:
    """Return what a distance may be that counts as within `eps`."""
    return eps * (1 + SLACK) + (HALF_SPACING if norm == "linf" else 0.0)


def within(plugin: Any, sizes: Tensor) -> Tensor:
    """Return `[N]` bool: a failure at such a distance counts as the attack's success.

    Only an attack with `threat = "minimum"` may come back with more than its `eps`.
    """
    eps = getattr(plugin, "eps", None) if plugin.threat == "minimum" else None
    if eps is None:
        return sizes >= 0
    return sizes <= allowed(getattr(plugin, "norm", "l2"), float(eps))


def within_budget(ready: Ready, changed: Tensor, start: Tensor, ids: Sequence[str]) -> None:
    """Check a norm attack's budget in float64.

    Raises:
        PluginError: If it is overstepped; the message gives the figure and the sample.
    """
    if ready.plugin.threat != "norm":
        return
    norm, eps = ready.plugin.norm, float(ready.plugin.eps)
    sizes = distances(changed, start, norm)
    worst = int(sizes.argmax())
    if float(sizes[worst]) > allowed(norm, eps):
        ready.broke(
            f"it overstepped its budget: expected {norm} <= {eps:.9g}, got "
            f"{float(sizes[worst]):.9g}",
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
