"""The victim from Python: plugins and bare networks, composed and left exactly as found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.ready import Ready
from adversity.engine.chain.links import Link
from adversity.engine.chain.own_network import ready_network
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Victim", "target"]


class Victim:
    """A chain that waits for images: what `adversity.target` gives."""

    def __init__(self, links: Sequence[Link], modules: Sequence[Any] = ()) -> None:
        """Keep the links and the networks whose mode must be restored."""
        self.links = tuple(links)
        self.modules = tuple(modules)

    def bind(self, ids: Sequence[str], *, seed: int = 0) -> ChainTarget:
        """Return the target for these samples."""
        return ChainTarget(self.links, ids=ids, seed=seed)


def target(*links: Any) -> Victim:
    """Compose a victim: restorations, then a classifier or any `nn.Module`, then calibration.

    Args:
        *links: What `adversity.create` returned, or an `nn.Module` from images `[N, C, H, W]`
            in [0, 1] to logits `[N, K]`; it is called with 64 rows at once of images up to
            64 x 64, with 16 of larger ones. One with convolutions gets them on a CPU in
            `torch.channels_last`, after a copy of it has shown on two made-up images of their
            shape that it gives the same answer.

    Raises:
        InputError: If there is not exactly one classifier, or something stands where it cannot.
        NotFittedError: If one of them must be fitted first.
    """
    from torch import nn

    chain: list[Link] = []
    modules: list[Any] = []
    for position, link in enumerate(links):
        if isinstance(link, nn.Module):
            modules.append(link)
            ready = ready_network(link)
        else:
            inside = getattr(link, "ready", None)
            if not isinstance(inside, Ready):
                raise InputError(
                    f"expected plugins from adversity.create or an nn.Module, got "
                    f"{type(link).__name__} at position {position}"
                )
            inside.require_fitted()
            ready = inside
        chain.append(Link(f"link-{position}", ready))
    ChainTarget(chain, ids=())
    return Victim(chain, modules)
