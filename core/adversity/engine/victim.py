"""The victim from Python: plugins and bare networks, composed and left exactly as found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adversity.engine.calls import Ready
from adversity.engine.links import Link
from adversity.engine.target import ChainTarget
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

__all__ = ["Victim", "as_found", "target"]


@contextmanager
def as_found(modules: Sequence[Any]) -> Iterator[None]:
    """Put networks into eval mode and freeze them for a while; then put both back.

    In eval mode no buffer moves, and nobody asks for the weights' gradients: a backward pass
    that need not keep them in mind is up to a tenth faster on a small network.
    """
    parts = [(part, part.training) for module in modules for part in module.modules()]
    weights = [(p, p.requires_grad) for module in modules for p in module.parameters()]
    for module in modules:
        module.eval().requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        for part, mode in parts:
            part.training = mode
        for weight, learns in weights:
            weight.requires_grad_(learns)


class Victim:
    """A chain that waits for images: what `adversity.target` gives."""

    def __init__(self, links: Sequence[Link], modules: Sequence[Any] = ()) -> None:
        """Keep the links and the networks whose mode must be restored."""
        self.links = tuple(links)
        self.modules = tuple(modules)

    def bind(self, ids: Sequence[str], *, seed: int = 0) -> ChainTarget:
        """Return the target for these samples."""
        return ChainTarget(self.links, ids=ids, seed=seed)


class _Module:
    """A bare `nn.Module` from images to logits, as a link."""

    makes = "predictions"
    gives = "logits"
    stochastic = False
    differentiable = True
    block_rows = None

    def __init__(self, module: Any) -> None:
        self.module = module
        self._classes: int | None = None
        self._turns: dict[tuple[int, ...], bool] = {}

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in range(self._classes or 0))

    def logits(self, images: Tensor) -> Tensor:
        from adversity.engine.channels_last import accepts_channels_last, channels_last

        shape = tuple(images.shape[1:])
        if shape not in self._turns:
            self._turns[shape] = accepts_channels_last(self.module, images)
        values: Tensor = self.module(channels_last(images) if self._turns[shape] else images)
        if self._classes is None:
            self._classes = values.shape[1] if values.ndim == 2 else 0
        return values

    def structure(self) -> None:
        """Return None: a network has none that an exact attack could use."""


def target(*links: Any) -> Victim:
    """Compose a victim: restorations, then a classifier or any `nn.Module`, then calibration.

    Args:
        *links: What `adversity.create` returned, or an `nn.Module` from images `[N, C, H, W]`
            in [0, 1] to logits `[N, K]`; it is called with 64 rows at once of pictures up to
            64 x 64, with 16 of larger ones. One with convolutions gets them on a CPU in
            `torch.channels_last`, after a copy of it has shown on two made-up pictures of their
            shape that it gives the same answer.

    Raises:
        InputError: If there is not exactly one classifier.
    """
    from torch import nn

    chain: list[Link] = []
    modules: list[Any] = []
    for position, link in enumerate(links):
        if isinstance(link, nn.Module):
            modules.append(link)
            ready = Ready(_Module(link), f"network {type(link).__name__}")
        else:
            found = getattr(link, "ready", None)
            if not isinstance(found, Ready):
                raise InputError(
                    f"expected plugins from adversity.create or an nn.Module, got "
                    f"{type(link).__name__} at position {position}"
                )
            ready = found
        chain.append(Link(f"link-{position}", ready))
    ChainTarget(chain, ids=())
    return Victim(chain, modules)
