"""Dropout whose masks come from each image's own stream, in a network that is left as it is.

In evaluation mode a network still calls dropout, which lets everything pass. Here the call is
answered in its place: nothing of the network is changed, and no mode, hook or buffer either. What
never reaches a call in Python is out of reach; `hidden_dropout` says what is known of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import SampleRng

__all__ = ["DrawnDropout", "hidden_dropout"]

_SATURATED = -1.7580993408473766
"""What SELU comes to far below 0, and what alpha dropout puts in the place of a unit (Klambauer et
al., Self-normalizing neural networks, 2017, section 2)."""

_UNITS = (functional.dropout, torch.dropout, torch.dropout_)
_CHANNELS = {
    functional.dropout1d: 3,
    functional.dropout2d: None,
    functional.dropout3d: 5,
    torch.feature_dropout: None,
    torch.feature_dropout_: None,
}
"""Those that drop whole channels, and how many axes their input has if it has one for images."""
_ALPHA_UNITS = (functional.alpha_dropout, torch.alpha_dropout, torch.alpha_dropout_)
_ALPHA_CHANNELS = (
    functional.feature_alpha_dropout,
    torch.feature_alpha_dropout,
    torch.feature_alpha_dropout_,
)
_ALL = frozenset((*_UNITS, *_CHANNELS, *_ALPHA_UNITS, *_ALPHA_CHANNELS))


class DrawnDropout(TorchFunctionMode):
    """While it is on, all dropout drops: row i of what it gets by the stream of image i."""

    def __init__(self, rng: SampleRng, p: float | None) -> None:
        """Take the streams of one draw.

        Args:
            rng: N streams.
            p: The rate, in the place of the layers' own; None leaves theirs.
        """
        super().__init__()
        self._rng, self._p = rng, p
        self.drops = 0
        """How often something with a rate above 0 was called."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Answer calls of dropout, and pass on all others."""
        given = kwargs or {}
        return self._answer(func, *args, **given) if func in _ALL else func(*args, **given)

    def _answer(
        self, func: Any, input: Tensor, p: float = 0.5, *switches: bool, **more: bool
    ) -> Tensor:
        """Return what a dropout gives; whether it would have let everything pass is no matter."""
        rate = p if self._p is None else self._p
        if rate == 0:
            return input
        self.drops += 1
        dropped = self._dropped(func, input, rate)
        # `inplace` is the last argument of the functions in Python; the others end in "_".
        inplace = more.get("inplace", len(switches) > 1 and switches[1])
        if inplace or func.__name__.endswith("_"):
            return input.copy_(dropped)
        return dropped

    def _dropped(self, func: Any, input: Tensor, rate: float) -> Tensor:
        axes = _CHANNELS.get(func)
        rows = len(self._rng)
        if input.ndim < 2 or len(input) != rows or (axes is not None and input.ndim != axes):
            raise InputError(
                f"mc_dropout draws a mask for each image: expected {func.__name__} of the network "
                f"to get a row for each of {rows} images, got {list(input.shape)}; use a network "
                "whose dropout comes before images are cut up or put together"
            )
        whole = func in _CHANNELS or func in _ALPHA_CHANNELS
        shape = (input.shape[1], *(1,) * (input.ndim - 2)) if whole else tuple(input.shape[1:])
        kept = (self._rng.uniform(shape) >= rate).to(input.device, input.dtype)
        if rate == 1:
            return input * 0
        if func in _ALPHA_UNITS or func in _ALPHA_CHANNELS:
            scale = ((1 - rate) * (1 + rate * _SATURATED**2)) ** -0.5
            moved = input * kept + _SATURATED * (1 - kept) - rate * _SATURATED
            return moved * float(scale)
        return input * (kept / (1 - rate))


def hidden_dropout(network: nn.Module) -> str | None:
    """Say why a network's dropout cannot be drawn here, as far as it shows; None if it may be."""
    if isinstance(network, torch.jit.ScriptModule):
        return "it is a TorchScript program, whose dropout never comes to Python; give the network itself"
    if hasattr(network, "_orig_mod") or network._compiled_call_impl is not None:
        return "it is compiled; give the network as it was before torch.compile"
    for name, part in network.named_modules():
        if isinstance(part, nn.MultiheadAttention | nn.RNNBase) and part.dropout > 0:
            return (
                f"{name or type(part).__name__}, a {type(part).__name__}, drops with a rate of "
                f"{part.dropout:g} inside itself, where no mask belongs to an image; set its "
                "`dropout` to 0 to leave that as in evaluation"
            )
    return None
